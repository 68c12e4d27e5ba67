using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Placement;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Balancing;

/// <summary>Where a request carries the identity that it is hashed by.</summary>
internal sealed class HashKey
{
    public const string Ip = "ip";

    public const string Rule =
        "it must be 'ip', 'header:<name>', 'cookie:<name>' or 'query:<name>', where the name of a header or cookie has only letters, digits and !#$%&'*+-.^_`|~.";

    private readonly Func<HttpRequest, string?>? _read;

    private HashKey(Func<HttpRequest, string?>? read) => _read = read;

    /// <summary>Null when <paramref name="text"/> breaks <see cref="Rule"/>.</summary>
    public static HashKey? TryParse(string? text)
    {
        if (string.Equals(text, Ip, StringComparison.OrdinalIgnoreCase))
        {
            return new HashKey(null);
        }

        if (text?.Split(':', 2) is not [var source, { Length: > 0 } name])
        {
            return null;
        }

        var isToken = HeaderName.IsValid(name);
        return source.ToUpperInvariant() switch
        {
            "HEADER" when isToken => new HashKey(request => request.Headers[name]),
            "COOKIE" when isToken => new HashKey(request => request.Cookies[name]),
            "QUERY" => new HashKey(request => request.Query[name]),
            _ => null,
        };
    }

    /// <summary>The hash of the client's identity: what was configured, else its address (of IPv6 its network).</summary>
    public ulong Of(HttpContext context)
    {
        var request = ClientRequest.Of(context);
        return request.Hash ??= _read?.Invoke(context.Request) is { Length: > 0 } value ? BoundedRendezvous.Hash(value) : OfAddress(request.Client);
    }

    // A phone changes its IPv6 address every day or with every network, but keeps its network's part for a while: whole
    // addresses would send it to another replica each time.
    private static ulong OfAddress(ClientKey client)
    {
        Span<byte> address = stackalloc byte[ClientKey.Size];
        var length = client.WriteTo(address);
        return length > 0 ? BoundedRendezvous.Hash(address[..length]) : 0;
    }
}
