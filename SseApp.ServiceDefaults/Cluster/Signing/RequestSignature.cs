using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;

namespace SseApp.ServiceDefaults.Cluster.Signing;

/// <summary>What a signed request is for: a gateway signs everything that it forwards, and not every client is an operator.</summary>
internal enum RequestPurpose
{
    /// <summary>Forwarded for a client; what the gateway says of it in headers counts.</summary>
    Client = 'c',

    /// <summary>An operator asks, or a part of the cluster itself.</summary>
    Operator = 'o',

    /// <summary>A relay connection, which carries many clients' streams.</summary>
    Relay = 'r',

    /// <summary>A gateway's canary asks that gateway, over its public address.</summary>
    Canary = 'p',
}

/// <summary>
/// How a replica knows that a gateway or another replica of its cluster sends a request: a header with purpose, time, sender,
/// number and the replica's id, and an HMAC-SHA256 over them, method, path and query. It is good once, for a minute, at one
/// replica. Gateways drop the header from what clients send.
/// </summary>
internal sealed class RequestSignature(GatewayKeys keys, TimeProvider time)
{
    /// <summary>What all headers between the parts of a cluster begin with; never a client's own.</summary>
    public const string HeaderPrefix = "X-Sse-";

    public const string Header = HeaderPrefix + "Signature";

    /// <summary>The fault of what the cluster itself has signed, for a replica that is elsewhere, or was here before.</summary>
    public const string ForAnother = "it is for another replica";

    private const int MaxLength = 1024;

    private const string Kind = "sse-request\n";

    // Purpose, time, sender and number, without the replica's id.
    private const int MaxClaimLength = 64;
    private const int MaxOnStack = 512;

    // More replicas than any cluster has; those that restart under new ids are forgotten together.
    private const int MaxReceivers = 10_000;

    private static readonly long s_maxAge = (long)RecordSignature.Lifetime.TotalMilliseconds;

    private readonly ReplayWindows _windows = new(time);
    private Numbers _numbers = new();
    private Receiver _own = new("");

    /// <summary>Signs a request whose address and method are final.</summary>
    public void Sign(HttpRequestMessage request, string replica, RequestPurpose purpose)
    {
        request.Headers.Remove(Header);
        request.Headers.TryAddWithoutValidation(Header, Sign(request.Method.Method, request.RequestUri!.PathAndQuery, replica, purpose));
    }

    /// <summary>The header's value.</summary>
    /// <param name="method">Of the request.</param>
    /// <param name="target">Path and query as they are sent.</param>
    /// <param name="replica">Who gets it.</param>
    /// <param name="purpose">What for.</param>
    public string Sign(string method, string target, string replica, RequestPurpose purpose)
    {
        var numbers = _numbers;
        if (numbers.Count > MaxReceivers)
        {
            numbers = _numbers = new Numbers();
        }

        var number = numbers.Next(replica, out var receiver);
        var size = MessageLength(MaxClaimLength + receiver.Length, method, target);
        var rented = size > MaxOnStack ? ArrayPool<char>.Shared.Rent(size) : null;
        Span<char> message = rented is null ? stackalloc char[MaxOnStack] : rented;
        message[Kind.Length..].TryWrite(
            CultureInfo.InvariantCulture, $"{(char)purpose}.{time.GetUtcNow().ToUnixTimeMilliseconds()}.{numbers.Sender}.{number}.{receiver}", out var length);
        var claim = message.Slice(Kind.Length, length);
        Span<char> signature = stackalloc char[GatewayKeys.MaxLength];
        var header = string.Concat(claim, ".", signature[..keys.Sign(Message(message, length, method, target), signature)]);
        if (rented is not null)
        {
            ArrayPool<char>.Shared.Return(rented);
        }

        return header;
    }

    /// <summary>What the request is for, if a part of this cluster signed it for this replica a moment ago, and it was not here before.</summary>
    /// <param name="context">The request.</param>
    /// <param name="replica">Id of this replica.</param>
    /// <param name="fault">Why not.</param>
    public RequestPurpose? Verify(HttpContext context, string replica, out string fault)
    {
        fault = "its signature cannot be read";
        if (context.Request.Headers[Header] is not [{ Length: < MaxLength } header])
        {
            return null;
        }

        var text = header.AsSpan();
        Span<Range> parts = stackalloc Range[6];
        if (text.Split(parts, '.') != parts.Length
            || text[parts[0]] is not [var purpose] || !Enum.IsDefined((RequestPurpose)purpose)
            || !long.TryParse(text[parts[1]], NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            || text[parts[2]].Length != 16
            || !ulong.TryParse(text[parts[2]], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var sender)
            || !long.TryParse(text[parts[3]], NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
        {
            return null;
        }

        fault = "it is signed with another key, or for another request";
        var claim = text[..(parts[5].Start.Value - 1)];
        // The bytes as they came: a decoded path may stand for several.
        if (!IsSigned(claim, context.Request.Method, context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, text[parts[5]]))
        {
            return null;
        }

        fault = ForAnother;
        var own = _own;
        if (own.Id != replica)
        {
            _own = own = new Receiver(replica);
        }

        if (!text[parts[4]].SequenceEqual(own.Encoded))
        {
            return null;
        }

        var age = time.GetUtcNow().ToUnixTimeMilliseconds() - milliseconds;
        if (age > s_maxAge || age < -s_maxAge)
        {
            // The key is the cluster's, so a clock is the likelier reason.
            fault = string.Create(
                CultureInfo.InvariantCulture,
                $"signed by this cluster, but {Math.Abs(age) / 1000} s {(age > 0 ? "ago" : "ahead")} by this clock: one is wrong, or it is a repeat");
            return null;
        }

        fault = "it was here before";
        return _windows.TryAccept(sender, sequence) ? (RequestPurpose)purpose : null;
    }

    private bool IsSigned(ReadOnlySpan<char> claim, string method, string target, ReadOnlySpan<char> signature)
    {
        var size = MessageLength(claim.Length, method, target);
        var rented = size > MaxOnStack ? ArrayPool<char>.Shared.Rent(size) : null;
        Span<char> message = rented is null ? stackalloc char[MaxOnStack] : rented;
        claim.CopyTo(message[Kind.Length..]);
        var signed = keys.Verify(Message(message, claim.Length, method, target), signature);
        if (rented is not null)
        {
            ArrayPool<char>.Shared.Return(rented);
        }

        return signed;
    }

    private static int MessageLength(int claim, string method, string target) => Kind.Length + claim + method.Length + target.Length + 2;

    /// <summary>What is signed: what kind of thing it is, the claim, method and target, each on a line.</summary>
    /// <param name="message">Has the claim already, after the room for the kind.</param>
    /// <param name="claim">Its length.</param>
    /// <param name="method">Of the request.</param>
    /// <param name="target">Path and query.</param>
    private static ReadOnlySpan<char> Message(Span<char> message, int claim, string method, string target)
    {
        Kind.CopyTo(message);
        var rest = message[(Kind.Length + claim)..];
        rest[0] = '\n';
        method.CopyTo(rest[1..]);
        rest[method.Length + 1] = '\n';
        target.CopyTo(rest[(method.Length + 2)..]);
        return message[..MessageLength(claim, method, target)];
    }

    /// <summary>The numbers of this process's requests to each replica.</summary>
    private sealed class Numbers
    {
        private readonly ConcurrentDictionary<string, Receiver> _last = new(StringComparer.Ordinal);

        public string Sender { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

        public int Count { get; private set; }

        public long Next(string replica, out string encoded)
        {
            if (!_last.TryGetValue(replica, out var last))
            {
                last = _last.GetOrAdd(replica, static replica => new Receiver(replica));
                Count++;
            }

            encoded = last.Encoded;
            return last.Next();
        }
    }

    private sealed class Receiver(string id)
    {
        private long _last;

        public string Id => id;

        /// <summary>An id may have any characters.</summary>
        public string Encoded { get; } = Base64Url.EncodeToString(Encoding.UTF8.GetBytes(id));

        public long Next() => Interlocked.Increment(ref _last);
    }
}

/// <summary>A feature of a request that a part of this cluster has sent.</summary>
internal sealed record SignedRequest(RequestPurpose Purpose)
{
    public static readonly SignedRequest ForClient = new(RequestPurpose.Client);

    /// <summary>Whether the request is signed, and for this.</summary>
    public static bool Is(HttpContext context, RequestPurpose purpose) => context.Features.Get<SignedRequest>()?.Purpose == purpose;
}

/// <summary>Set on a request that is to be signed when it is sent: only then are its address and its method final.</summary>
internal sealed record SignatureWanted(string Replica, RequestPurpose Purpose)
{
    public static readonly HttpRequestOptionsKey<SignatureWanted> Key = new(nameof(SignatureWanted));
}
