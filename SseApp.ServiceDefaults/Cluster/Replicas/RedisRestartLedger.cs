using SseApp.ServiceDefaults.Cluster.Redis;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>A list of signed records. They count for as long as they are kept, a day, and each of them once.</summary>
internal sealed class RedisRestartLedger(IConnectionMultiplexer redis, IOptions<ClusterOptions> options, SignedRecords records, TimeProvider time) : IRestartLedger
{
    private const int Kept = 200;

    // The key is the cluster's own: what is no list there gives way to one.
    private const string AddScript = """
        local pushed = redis.pcall('LPUSH', KEYS[1], ARGV[1])
        if type(pushed) == 'table' then
          if not string.find(pushed.err, 'WRONGTYPE', 1, true) then return pushed end
          redis.call('DEL', KEYS[1])
          redis.call('LPUSH', KEYS[1], ARGV[1])
        end
        redis.call('LTRIM', KEYS[1], 0, ARGV[2] - 1)
        redis.call('PEXPIRE', KEYS[1], ARGV[3])
        return 1
        """;

    // One that is too large becomes an empty one, which is signed by nobody.
    private const string ReadScript = """
        local list = redis.pcall('LRANGE', KEYS[1], 0, ARGV[1] - 1)
        for i, record in ipairs(list) do
          if #record > tonumber(ARGV[2]) then list[i] = '' end
        end
        return list
        """;

    private static readonly TimeSpan s_expiry = TimeSpan.FromDays(1);

    private readonly RedisKey _key = $"{{{options.Value.KeyPrefix}:replicas}}:restarts";

    public Task AddAsync(RestartRecord restart, CancellationToken cancellationToken) =>
        redis.GetDatabase().ScriptEvaluateAsync(
            AddScript,
            [_key],
            [records.Sign(ForgedKind.Restart, _key.ToString(), restart, ReplicaJsonContext.Default.RestartRecord), Kept, (long)s_expiry.TotalMilliseconds])
            .WaitAsync(cancellationToken);

    public async Task<IReadOnlyList<RestartRecord>> ReadAsync(CancellationToken cancellationToken)
    {
        RedisValue[] values;
        try
        {
            values = (RedisValue[]?)await redis.GetDatabase().ScriptEvaluateAsync(ReadScript, [_key], [Kept, SignedRecords.MaxBytes]).WaitAsync(cancellationToken) ?? [];
        }
        catch (RedisServerException exception) when (RedisErrors.IsWrongType(exception))
        {
            records.Reject(ForgedKind.Restart, _key.ToString(), SignedRecords.WrongType);
            return [];
        }

        var restarts = new List<RestartRecord>(values.Length);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var value in values)
        {
            if (records.Read(ForgedKind.Restart, _key.ToString(), "", value, ReplicaJsonContext.Default.RestartRecord) is not { } signed)
            {
                continue;
            }

            if (!seen.Add(signed.Signature) || time.GetUtcNow() - signed.At > s_expiry + RecordSignature.Lifetime)
            {
                records.Reject(ForgedKind.Restart, signed.Body.Id, "it is there twice, or older than a day");
            }
            else
            {
                restarts.Add(signed.Body);
            }
        }

        return restarts;
    }
}
