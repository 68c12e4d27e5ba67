using SseApp.ServiceDefaults.Cluster.Redis;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>A list of signed records. They count for as long as they are kept, a day, and each of them once.</summary>
internal sealed class RedisRestartLedger(
    IConnectionMultiplexer redis, IOptions<ClusterOptions> options, RecordSignature signature, ForgedRecords forged, TimeProvider time) : IRestartLedger
{
    private const int Kept = 200;

    // Others may have been added meanwhile: its place is not known.
    private const string ReplaceScript = """
        for i, item in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
            if item == ARGV[1] then redis.call('LSET', KEYS[1], i - 1, ARGV[2]) end
        end
        return 1
        """;

    private static readonly TimeSpan s_expiry = TimeSpan.FromDays(1);

    private readonly RedisKey _key = $"{{{options.Value.KeyPrefix}:replicas}}:restarts";

    public async Task AddAsync(RestartRecord restart, CancellationToken cancellationToken)
    {
        var batch = redis.GetDatabase().CreateTransaction();
        var writes = new Task[]
        {
            batch.ListLeftPushAsync(
                _key, signature.Sign(ForgedKind.Restart, _key.ToString(), JsonSerializer.Serialize(restart, ReplicaJsonContext.Default.RestartRecord))),
            batch.ListTrimAsync(_key, 0, Kept - 1),
            batch.KeyExpireAsync(_key, s_expiry),
        };
        await batch.ExecuteAsync().WaitAsync(cancellationToken);
        await Task.WhenAll(writes).WaitAsync(cancellationToken);
    }

    public async Task<IReadOnlyList<RestartRecord>> ReadAsync(CancellationToken cancellationToken)
    {
        var values = await redis.GetDatabase().ListRangeAsync(_key, 0, Kept - 1).WaitAsync(cancellationToken);
        var records = new List<RestartRecord>(values.Length);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var value in values)
        {
            if (signature.Verify(ForgedKind.Restart, _key.ToString(), value, out var fault) is not { } signed)
            {
                forged.Add(ForgedKind.Restart, "", fault);
            }
            else if (!seen.Add(signed.Signature) || time.GetUtcNow() - signed.At > s_expiry + RecordSignature.Lifetime)
            {
                forged.Add(ForgedKind.Restart, "", "it is there twice, or older than a day");
            }
            else if (JsonSerializer.Deserialize(signed.Body, ReplicaJsonContext.Default.RestartRecord) is { } record)
            {
                records.Add(record);
                if (signature.Renew(ForgedKind.Restart, _key.ToString(), signed) is { } renewed)
                {
                    await redis.GetDatabase().ScriptEvaluateAsync(ReplaceScript, [_key], [value, renewed]).WaitAsync(cancellationToken);
                }
            }
        }

        return records;
    }
}
