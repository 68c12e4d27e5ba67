using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>Register one where the service makes the endpoints for its clients itself.</summary>
internal sealed class EndpointsOfCode;

internal static class ListenExtensions
{
    /// <summary>Listens at an address, as Kestrel does for one in <c>Urls</c>.</summary>
    public static void Listen(this KestrelServerOptions kestrel, BindingAddress address, Action<ListenOptions> configure)
    {
        if (address.IsUnixPipe)
        {
            kestrel.ListenUnixSocket(address.UnixPipePath, configure);
        }
        else if (string.Equals(address.Host, "localhost", StringComparison.OrdinalIgnoreCase))
        {
            kestrel.ListenLocalhost(address.Port, configure);
        }
        else if (IPAddress.TryParse(address.Host, out var ip))
        {
            kestrel.Listen(ip, address.Port, configure);
        }
        else
        {
            kestrel.ListenAnyIP(address.Port, configure);
        }
    }
}
