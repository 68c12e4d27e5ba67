using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace SseApp.Gateway.Clients;

/// <summary>
/// Takes client, scheme and host from <c>Forwarded</c> (RFC 7239), as the platform's middleware takes them from
/// <c>X-Forwarded-*</c>: from the right, as long as the one who wrote an element is a known proxy.
/// </summary>
internal sealed class ForwardedMiddleware(RequestDelegate next, AddressList known)
{
    public const string Header = "Forwarded";

    // The header stays in the request: by it the operator API sees that a proxy speaks for somebody else.
    private static readonly SearchValues<char> s_host =
        SearchValues.Create("-._~:[]0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    public Task InvokeAsync(HttpContext context)
    {
        var reader = new ForwardedReader(string.Join(',', context.Request.Headers[Header].AsEnumerable()));
        while (context.Connection.RemoteIpAddress is { } writer && known.Contains(writer) && reader.TryTake(out var element))
        {
            Apply(context.Request, element);
            if (!TryParseNode(element.For, out var client))
            {
                // "unknown", "_hidden" or nothing: the proxy is the last one whose address is known.
                break;
            }

            context.Connection.RemoteIpAddress = client.Address;
            context.Connection.RemotePort = client.Port;
        }

        return next(context);
    }

    private static void Apply(HttpRequest request, ForwardedElement element)
    {
        if (Uri.CheckSchemeName(element.Proto))
        {
            request.Scheme = element.Proto.ToLowerInvariant();
        }

        if (element.Host.Length > 0
            && !element.Host.AsSpan().ContainsAnyExcept(s_host)
            && Uri.TryCreate($"http://{element.Host}/", UriKind.Absolute, out _))
        {
            request.Host = new HostString(element.Host);
        }
    }

    // RFC 7239, 6: an IPv4 address or an IPv6 address in brackets, and a port, which may be hidden as "_x".
    private static bool TryParseNode(string node, out (IPAddress Address, int Port) client)
    {
        client = default;
        var bracket = node.LastIndexOf(']');
        var colon = node.IndexOf(':', bracket + 1);
        var name = colon < 0 ? node : node[..colon];
        var isIPv6 = bracket >= 0;
        if (isIPv6 && (name[0] != '[' || bracket != name.Length - 1))
        {
            return false;
        }

        if (!IPAddress.TryParse(isIPv6 ? name[1..^1] : name, out var address)
            || address.AddressFamily != (isIPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork)
            || (!isIPv6 && name.AsSpan().Count('.') != 3))
        {
            return false;
        }

        _ = ushort.TryParse(colon < 0 ? "" : node.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port);
        client = (address, port);
        return true;
    }
}
