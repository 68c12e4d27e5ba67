using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;

namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>
/// How a replica knows that a gateway has checked an operator: a header with the time and an HMAC-SHA256 over time,
/// method and path. A stranger cannot make one, and one that was seen on the wire is good for the same operation only,
/// for <see cref="Lifetime"/>. Gateways drop the header from what clients send.
/// </summary>
internal sealed class OperatorSignature(IOperatorKey key, TimeProvider time)
{
    public const string Header = "X-Sse-Operator";

    /// <summary>How old a signature may be; the clocks of gateway and replica may differ by as much.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    /// <summary>Signs a request whose address is final.</summary>
    public async ValueTask SignAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var secret = await key.GetAsync(cancellationToken);
        var at = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        request.Headers.Remove(Header);
        request.Headers.TryAddWithoutValidation(Header, $"{at}.{Sign(secret, at, request.Method.Method, request.RequestUri!.AbsolutePath)}");
    }

    /// <summary>True for a request that a gateway of this cluster signed a moment ago.</summary>
    public async ValueTask<bool> VerifyAsync(HttpContext context)
    {
        if (context.Request.Headers[Header] is not [{ } header] || header.Split('.') is not [var at, var given]
            || !long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || Math.Abs(time.GetUtcNow().ToUnixTimeSeconds() - seconds) > Lifetime.TotalSeconds)
        {
            return false;
        }

        // The bytes as they came: a decoded path may stand for several.
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Split('?')[0];
        var secret = await key.GetAsync(context.RequestAborted);
        return CryptographicOperations.FixedTimeEquals(
            Encoding.ASCII.GetBytes(Sign(secret, at, context.Request.Method, target)), Encoding.ASCII.GetBytes(given));
    }

    private static string Sign(byte[] secret, string at, string method, string path) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes($"{at}\n{method}\n{path}")));
}
