using System.Security.Cryptography;
using SseApp.ServiceDefaults.Cluster.Redis;

namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>
/// A random key in Redis, made by the first process that needs it. Anyone who can read it there can write every topic
/// and replica anyway, so it grants no more than that access does. It is asked for each time, because a Redis that was emptied gets
/// another one; operator requests are rare.
/// </summary>
internal sealed class RedisOperatorKey(IConnectionMultiplexer redis, IOptions<ClusterOptions> options) : IOperatorKey
{
    private const int Length = 32;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(1);

    private readonly RedisKey _key = $"{options.Value.KeyPrefix}:operator-key";
    private byte[]? _known;

    public async ValueTask<byte[]> GetAsync(CancellationToken cancellationToken)
    {
        try
        {
            var database = redis.GetDatabase();
            var created = database.StringSetAsync(_key, RandomNumberGenerator.GetBytes(Length), when: When.NotExists);
            var read = database.StringGetAsync(_key);
            await Task.WhenAll(created, read).WaitAsync(s_limit, TimeProvider.System, cancellationToken);
            _known = (byte[]?)await read ?? throw new RedisServerException("The operator key was removed while it was read.");
        }
        catch (Exception exception) when (_known is not null && RedisErrors.IsUnavailable(exception))
        {
            // The replicas know the same key as long as Redis is unavailable.
        }

        return _known!;
    }
}

/// <summary>The secret that gateways and replicas of one cluster share, and nobody else.</summary>
internal interface IOperatorKey
{
    /// <summary>The key; the last known one while Redis is unavailable.</summary>
    /// <exception cref="StackExchange.Redis.RedisException">Redis is unavailable and was never asked before.</exception>
    /// <exception cref="TimeoutException">As above.</exception>
    ValueTask<byte[]> GetAsync(CancellationToken cancellationToken);
}
