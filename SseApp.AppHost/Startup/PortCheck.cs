using System.Net;
using System.Net.Sockets;

namespace SseApp.AppHost.Startup;

/// <summary>
/// Looks for taken ports before anything starts. Without it the orchestrator, the dashboard or Kestrel would fail over
/// one of them, each in its own way and none with the name of the setting.
/// </summary>
internal static class PortCheck
{
    /// <param name="configuration">The AppHost's.</param>
    /// <param name="gatewayPort">Null for any free one.</param>
    public static IEnumerable<string> Problems(IConfiguration configuration, int? gatewayPort)
    {
        if (gatewayPort is { } wanted && IsTaken(new Uri($"http://localhost:{wanted}")))
        {
            yield return $"Port {wanted} is taken, and the gateway needs it: end the program that holds it, or choose another port with --Cluster:GatewayPort=<port> (0: any free one).";
        }

        foreach (var (variable, user) in DashboardAddresses.All)
        {
            foreach (var url in configuration[variable]?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [])
            {
                if (Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Port > 0 && IsTaken(address))
                {
                    yield return $"Port {address.Port} is taken, and {user} needs it: end the program that holds it, change {variable} (launch profile), "
                        + "or start with --Cluster:DashboardPort=<port> (0: any free one), which moves all of the dashboard's ports.";
                }
            }
        }
    }

    private static bool IsTaken(Uri address)
    {
        // "localhost" is both.
        IPAddress[] hosts = IPAddress.TryParse(address.DnsSafeHost, out var host) ? [host]
            : Socket.OSSupportsIPv6 ? [IPAddress.Loopback, IPAddress.IPv6Loopback] : [IPAddress.Loopback];
        return hosts.Any(candidate =>
        {
            try
            {
                using var listener = new TcpListener(candidate, address.Port);
                listener.Start();
                return false;
            }
            catch (SocketException exception)
            {
                // No such address here, or no right to the port: the error of whoever listens says so.
                return exception.SocketErrorCode == SocketError.AddressAlreadyInUse;
            }
        });
    }
}
