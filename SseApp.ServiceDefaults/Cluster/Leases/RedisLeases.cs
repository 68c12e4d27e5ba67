using SseApp.ServiceDefaults.Cluster.Redis;

namespace SseApp.ServiceDefaults.Cluster.Leases;

/// <summary>
/// Work that only one process of the cluster may do at a time: one expiring key a lease, which holds its owner. A lease ends
/// by itself when its holder no longer renews it, so the death of a holder stops nobody for long.
/// </summary>
internal sealed class RedisLeases(IConnectionMultiplexer redis, IOptions<ClusterOptions> options)
{
    private const string AcquireScript = """
        local owner = redis.call('GET', KEYS[1])
        if owner and owner ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 1
        """;

    private const string ReleaseScript = """
        if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
        return 1
        """;

    /// <summary>Takes a lease that is free, or renews one that <paramref name="owner"/> holds.</summary>
    /// <param name="name">Name of the work.</param>
    /// <param name="owner">Unique to the holder.</param>
    /// <param name="duration">The lease ends this long after the last call.</param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    /// <returns>False when somebody else holds it.</returns>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task<bool> TryAcquireAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken) =>
        (int)await redis.GetDatabase().ScriptEvaluateAsync(AcquireScript, [Key(name)], [owner, (long)duration.TotalMilliseconds])
            .WaitAsync(cancellationToken) == 1;

    /// <summary>Gives the lease back; no effect when <paramref name="owner"/> does not hold it.</summary>
    /// <exception cref="RedisException">Redis did not answer; the lease ends by itself.</exception>
    public Task ReleaseAsync(string name, string owner, CancellationToken cancellationToken) =>
        redis.GetDatabase().ScriptEvaluateAsync(ReleaseScript, [Key(name)], [owner]).WaitAsync(cancellationToken);

    private RedisKey Key(string name) => $"{{{options.Value.KeyPrefix}:leases}}:{name}";
}
