using SseApp.ServiceDefaults.Cluster.Redis;

namespace SseApp.ServiceDefaults.Cluster.Replicas;

internal sealed class RedisRestartLedger(IConnectionMultiplexer redis, IOptions<ClusterOptions> options) : IRestartLedger
{
    private const int Kept = 200;

    private static readonly TimeSpan s_expiry = TimeSpan.FromDays(1);

    private readonly RedisKey _key = $"{{{options.Value.KeyPrefix}:replicas}}:restarts";

    public async Task AddAsync(RestartRecord restart, CancellationToken cancellationToken)
    {
        var batch = redis.GetDatabase().CreateTransaction();
        var writes = new Task[]
        {
            batch.ListLeftPushAsync(_key, JsonSerializer.Serialize(restart, ReplicaJsonContext.Default.RestartRecord)),
            batch.ListTrimAsync(_key, 0, Kept - 1),
            batch.KeyExpireAsync(_key, s_expiry),
        };
        await batch.ExecuteAsync().WaitAsync(cancellationToken);
        await Task.WhenAll(writes).WaitAsync(cancellationToken);
    }

    public async Task<IReadOnlyList<RestartRecord>> ReadAsync(CancellationToken cancellationToken)
    {
        var values = await redis.GetDatabase().ListRangeAsync(_key, 0, Kept - 1).WaitAsync(cancellationToken);
        return [.. values
            .Select(value => JsonSerializer.Deserialize((string)value!, ReplicaJsonContext.Default.RestartRecord))
            .OfType<RestartRecord>()];
    }
}
