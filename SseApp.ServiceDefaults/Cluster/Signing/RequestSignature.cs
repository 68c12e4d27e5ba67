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

    // More replicas than any cluster has; those that restart under new ids are forgotten together.
    private const int MaxReceivers = 10_000;

    private readonly ReplayWindows _windows = new(time);
    private Numbers _numbers = new();

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

        var claim = string.Create(
            CultureInfo.InvariantCulture, $"{(char)purpose}.{time.GetUtcNow().ToUnixTimeMilliseconds()}.{numbers.Sender}.{numbers.Next(replica, out var receiver)}.{receiver}");
        return $"{claim}.{keys.Sign(Message(claim, method, target))}";
    }

    /// <summary>What the request is for, if a part of this cluster signed it for this replica a moment ago, and it was not here before.</summary>
    /// <param name="context">The request.</param>
    /// <param name="replica">Id of this replica.</param>
    /// <param name="fault">Why not.</param>
    public RequestPurpose? Verify(HttpContext context, string replica, out string fault)
    {
        fault = "its signature cannot be read";
        // The bytes as they came: a decoded path may stand for several.
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (context.Request.Headers[Header] is not [{ Length: < MaxLength } header]
            || header.Split('.', 6) is not [var purpose, var at, var sender, var number, var receiver, var signature]
            || purpose is not ("c" or "o" or "r")
            || !long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            || sender.Length != 16
            || !ulong.TryParse(sender, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var senderId)
            || !long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
        {
            return null;
        }

        fault = "it is signed with another key, or for another request";
        if (!keys.Verify(Message(header[..^(signature.Length + 1)], context.Request.Method, target), signature))
        {
            return null;
        }

        fault = ForAnother;
        if (!string.Equals(receiver, Encoded(replica), StringComparison.Ordinal))
        {
            return null;
        }

        fault = "it was signed more than a minute ago, or ahead of this machine's clock";
        if (Math.Abs((decimal)time.GetUtcNow().ToUnixTimeMilliseconds() - milliseconds) > (decimal)RecordSignature.Lifetime.TotalMilliseconds)
        {
            return null;
        }

        fault = "it was here before";
        return _windows.TryAccept(senderId, sequence) ? (RequestPurpose)purpose[0] : null;
    }

    private static string Message(string claim, string method, string target) => $"sse-request\n{claim}\n{method}\n{target}";

    // An id may have any characters.
    private static string Encoded(string replica) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(replica));

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
                last = _last.GetOrAdd(replica, static replica => new Receiver(Encoded(replica)));
                Count++;
            }

            encoded = last.Encoded;
            return last.Next();
        }

        private sealed class Receiver(string encoded)
        {
            private long _last;

            public string Encoded => encoded;

            public long Next() => Interlocked.Increment(ref _last);
        }
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
