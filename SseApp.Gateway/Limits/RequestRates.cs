using System.Threading.RateLimiting;
using SseApp.Gateway.Clients;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Limits;

/// <summary>Rates of opening streams and of publishing, by client. Clients that have not come for some seconds are forgotten.</summary>
internal sealed class RequestRates : IDisposable
{
    private const string ApiKeyHeader = "X-Api-Key";

    private readonly LimitsOptions _options;
    private readonly PartitionedRateLimiter<HttpContext>? _connects;
    private readonly PartitionedRateLimiter<HttpContext>? _publishes;

    public RequestRates(IOptions<LimitsOptions> options, TimeProvider time)
    {
        _options = options.Value;
        _connects = Limiter(_options.ConnectsPerSecond, _options.ConnectBurst, static context => ClientRequest.Of(context).Client, time);
        _publishes = Limiter(_options.PublishesPerSecond, _options.PublishBurst, PublisherOf, time);
    }

    /// <summary>Null when the client may open a stream, else when it may try again.</summary>
    public TimeSpan? TryConnect(HttpContext context) => Try(_connects, context);

    /// <summary>Null when the client may publish, else when it may try again.</summary>
    public TimeSpan? TryPublish(HttpContext context) => Try(_publishes, context);

    public void Dispose()
    {
        _connects?.Dispose();
        _publishes?.Dispose();
    }

    private ClientKey PublisherOf(HttpContext context)
    {
        if (_options.PublishClient == PublishClient.Credential)
        {
            var headers = context.Request.Headers;
            var credential = headers.Authorization.Count > 0 ? headers.Authorization.ToString() : headers[ApiKeyHeader].ToString();
            if (credential.Length > 0)
            {
                return ClientKey.OfCredential(credential);
            }
        }

        return ClientRequest.Of(context).Client;
    }

    private static PartitionedRateLimiter<HttpContext>? Limiter(int perSecond, int burst, Func<HttpContext, ClientKey> client, TimeProvider time)
    {
        if (perSecond == 0)
        {
            return null;
        }

        var rate = new TokenBucketRate(perSecond, burst);
        RateLimiter Create(ClientKey key) => new TokenBucket(rate, time);
        return PartitionedRateLimiter.Create<HttpContext, ClientKey>(context => RateLimitPartition.Get(client(context), Create));
    }

    private static TimeSpan? Try(PartitionedRateLimiter<HttpContext>? limiter, HttpContext context)
    {
        using var lease = limiter?.AttemptAcquire(context);
        return lease is { IsAcquired: false } && lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter) ? retryAfter : null;
    }
}
