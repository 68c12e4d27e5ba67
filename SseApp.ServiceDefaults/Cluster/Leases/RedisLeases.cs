using Microsoft.Extensions.Options;
using SseApp.ServiceDefaults.Cluster.Redis;
using StackExchange.Redis;

namespace SseApp.ServiceDefaults.Cluster.Leases;

/// <summary>One expiring key a lease, which holds its owner.</summary>
internal sealed class RedisLeases(IConnectionMultiplexer redis, IOptions<ClusterOptions> options) : ILeases
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

    public async Task<bool> TryAcquireAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken) =>
        (int)await redis.GetDatabase().ScriptEvaluateAsync(AcquireScript, [Key(name)], [owner, (long)duration.TotalMilliseconds])
            .WaitAsync(cancellationToken) == 1;

    public Task ReleaseAsync(string name, string owner, CancellationToken cancellationToken) =>
        redis.GetDatabase().ScriptEvaluateAsync(ReleaseScript, [Key(name)], [owner]).WaitAsync(cancellationToken);

    private RedisKey Key(string name) => $"{{{options.Value.KeyPrefix}:leases}}:{name}";
}
