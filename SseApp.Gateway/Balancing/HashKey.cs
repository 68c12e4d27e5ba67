using System.Buffers;
using SseApp.Gateway.Clients;
using SseApp.ServiceDefaults.Cluster.Placement;

namespace SseApp.Gateway.Balancing;

/// <summary>Where a request carries the identity that it is hashed by.</summary>
internal sealed class HashKey
{
    public const string Ip = "ip";

    public const string Rule =
        "it must be 'ip', 'header:<name>', 'cookie:<name>' or 'query:<name>', where the name of a header or cookie has only letters, digits and !#$%&'*+-.^_`|~.";

    // RFC 9110, 5.6.2.
    private static readonly SearchValues<char> s_token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    private readonly Func<HttpRequest, string?>? _read;

    private readonly int _ipv6PrefixLength;

    private HashKey(Func<HttpRequest, string?>? read, int ipv6PrefixLength)
    {
        _read = read;
        _ipv6PrefixLength = ipv6PrefixLength;
    }

    /// <param name="text">What is configured.</param>
    /// <param name="ipv6PrefixLength">Bits of an IPv6 address that make one client, as for limits.</param>
    /// <returns>Null when <paramref name="text"/> breaks <see cref="Rule"/>.</returns>
    public static HashKey? TryParse(string? text, int ipv6PrefixLength = LimitsOptions.DefaultIPv6PrefixLength)
    {
        if (string.Equals(text, Ip, StringComparison.OrdinalIgnoreCase))
        {
            return new HashKey(null, ipv6PrefixLength);
        }

        if (text?.Split(':', 2) is not [var source, { Length: > 0 } name])
        {
            return null;
        }

        var isToken = !name.AsSpan().ContainsAnyExcept(s_token);
        return source.ToUpperInvariant() switch
        {
            "HEADER" when isToken => new HashKey(request => request.Headers[name], ipv6PrefixLength),
            "COOKIE" when isToken => new HashKey(request => request.Cookies[name], ipv6PrefixLength),
            "QUERY" => new HashKey(request => request.Query[name], ipv6PrefixLength),
            _ => null,
        };
    }

    /// <summary>The hash of the client's identity: what was configured, else its address (of IPv6 its network).</summary>
    public ulong Of(HttpContext context)
    {
        if (_read?.Invoke(context.Request) is { Length: > 0 } value)
        {
            return BoundedRendezvous.Hash(value);
        }

        // A phone changes its IPv6 address every day or with every network, but keeps its network's part for a while: whole
        // addresses would send it to another replica each time.
        Span<byte> address = stackalloc byte[ClientKey.Size];
        var length = ClientKey.OfAddress(context.Connection.RemoteIpAddress, _ipv6PrefixLength).WriteTo(address);
        return length > 0 ? BoundedRendezvous.Hash(address[..length]) : 0;
    }
}
