using System.Threading.RateLimiting;

namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>How often an operator may ask: what operators ask for is asked of all replicas.</summary>
internal sealed class OperatorLimit : IDisposable
{
    public const int PerSecond = 10;

    private readonly PartitionedRateLimiter<string> _requests = Buckets(PerSecond);

    // Lines of the audit log about what was not done.
    private readonly PartitionedRateLimiter<string> _told = Buckets(1);

    public bool TryTake(string key) => Try(_requests, key);

    /// <summary>Whether a refusal is to be logged: a stranger must not fill the log.</summary>
    public bool IsToldOf(string key) => Try(_told, key);

    public void Dispose()
    {
        _requests.Dispose();
        _told.Dispose();
    }

    private static bool Try(PartitionedRateLimiter<string> limiter, string key)
    {
        using var lease = limiter.AttemptAcquire(key);
        return lease.IsAcquired;
    }

    private static PartitionedRateLimiter<string> Buckets(int perSecond) => PartitionedRateLimiter.Create<string, string>(key => RateLimitPartition.GetTokenBucketLimiter(
        key,
        _ => new TokenBucketRateLimiterOptions { TokenLimit = perSecond, TokensPerPeriod = perSecond, ReplenishmentPeriod = TimeSpan.FromSeconds(1), QueueLimit = 0 }));
}
