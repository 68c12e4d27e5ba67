using System.Threading.RateLimiting;

namespace SseApp.Gateway.Limits;

/// <param name="PerSecond">Tokens that are refilled each second.</param>
/// <param name="Burst">Tokens that a full bucket holds.</param>
internal sealed record TokenBucketRate(int PerSecond, int Burst)
{
    /// <summary>Ticks of the clock in which this many tokens are refilled.</summary>
    public long Cost(int tokens, TimeProvider time) => time.TimestampFrequency * tokens / PerSecond;
}

/// <summary>
/// A token bucket that is one number: the time at which it will be full again. The platform's TokenBucketRateLimiter
/// refills in whole periods by its own clock, which tests cannot move, and holds a queue that is not used here.
/// </summary>
internal sealed class TokenBucket(TokenBucketRate rate, TimeProvider time) : RateLimiter
{
    private static readonly Lease s_granted = new(null);

    private long _fullAt = time.GetTimestamp();

    /// <summary>How long it has been full; null while it is not. The partitioned limiter drops it some seconds later.</summary>
    public override TimeSpan? IdleDuration
    {
        get
        {
            var now = time.GetTimestamp();
            var fullAt = Volatile.Read(ref _fullAt);
            return now >= fullAt ? time.GetElapsedTime(fullAt, now) : null;
        }
    }

    public override RateLimiterStatistics? GetStatistics() => null;

    protected override RateLimitLease AttemptAcquireCore(int permitCount)
    {
        var cost = rate.Cost(permitCount, time);
        var capacity = rate.Cost(rate.Burst, time);
        var now = time.GetTimestamp();
        while (true)
        {
            var fullAt = Volatile.Read(ref _fullAt);
            var next = Math.Max(fullAt, now) + cost;
            if (next - now > capacity)
            {
                return new Lease(time.GetElapsedTime(now, next - capacity));
            }

            if (Interlocked.CompareExchange(ref _fullAt, next, fullAt) == fullAt)
            {
                return s_granted;
            }
        }
    }

    protected override ValueTask<RateLimitLease> AcquireAsyncCore(int permitCount, CancellationToken cancellationToken) =>
        new(AttemptAcquireCore(permitCount));

    private sealed class Lease(TimeSpan? retryAfter) : RateLimitLease
    {
        public override bool IsAcquired => retryAfter is null;

        public override IEnumerable<string> MetadataNames => retryAfter is null ? [] : [MetadataName.RetryAfter.Name];

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = retryAfter;
            return retryAfter is not null && string.Equals(metadataName, MetadataName.RetryAfter.Name, StringComparison.Ordinal);
        }
    }
}
