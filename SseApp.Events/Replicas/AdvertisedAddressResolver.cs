using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace SseApp.Events.Replicas;

/// <summary>Finds an address that other machines can use, from what the server is bound to.</summary>
internal static class AdvertisedAddressResolver
{
    /// <param name="configured">Wins when given.</param>
    /// <param name="podIp">The pod's own address where the orchestrator provides it.</param>
    /// <param name="bound">The server's addresses, after it has started.</param>
    /// <param name="localAddress">Answers with the machine's or container's own address, if it has one beside loopback.</param>
    /// <returns>Null while the server is bound to nothing.</returns>
    public static Uri? Resolve(Uri? configured, string? podIp, IEnumerable<string> bound, Func<IPAddress?> localAddress)
    {
        if (configured is not null)
        {
            // What stands before the host is of no use to gateways, and the address is logged and listed.
            return configured.UserInfo.Length == 0 ? configured : new UriBuilder(configured) { UserName = "", Password = "" }.Uri;
        }

        // Plain HTTP first: gateways reach replicas inside the cluster, where the certificate names somebody else.
        var address = bound
            .Select(text => new Uri(text.Replace("//*", "//0.0.0.0", StringComparison.Ordinal).Replace("//+", "//0.0.0.0", StringComparison.Ordinal)))
            .OrderBy(uri => uri.Scheme is "http" ? 0 : 1)
            .FirstOrDefault();
        if (address is null || !IsWildcard(address))
        {
            return address;
        }

        var host = IPAddress.TryParse(podIp, out var pod) ? pod : localAddress() ?? IPAddress.Loopback;
        return new UriBuilder(address) { Host = host.ToString() }.Uri;
    }

    public static bool IsWildcard(Uri address) =>
        IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any));

    public static IPAddress? FindLocalAddress() =>
        NetworkInterface.GetAllNetworkInterfaces()
            .Where(network => network.OperationalStatus == OperationalStatus.Up && network.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(network => network.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address)
            .FirstOrDefault(ip => ip.AddressFamily == AddressFamily.InterNetwork);
}
