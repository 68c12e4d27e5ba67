using System.Net.Sockets;

namespace SseApp.Events.Http;

/// <summary>Whom a request is from. Behind a gateway every peer is the gateway, which names whom it serves.</summary>
internal static class ClientAddress
{
    public static IPAddress? Of(HttpContext context) =>
        IPAddress.TryParse(context.Request.Headers["X-Real-IP"], out var named) ? named : context.Connection.RemoteIpAddress;

    /// <summary>The address as budgets count it: of an IPv6 address the /64, all of which one client may have.</summary>
    public static string KeyOf(HttpContext context)
    {
        var address = Of(context);
        if (address is null)
        {
            return "-";
        }

        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return address.AddressFamily == AddressFamily.InterNetworkV6 ? new IPAddress([.. address.GetAddressBytes()[..8], 0, 0, 0, 0, 0, 0, 0, 0]) + "/64" : address.ToString();
    }
}
