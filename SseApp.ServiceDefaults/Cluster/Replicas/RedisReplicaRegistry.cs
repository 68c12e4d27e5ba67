using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;
using SseApp.ServiceDefaults.Cluster.Redis;

namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>
/// One expiring key a replica plus a set of the ids. All keys share a hash tag, so each operation is one atomic
/// script on a standalone server and on Redis Cluster alike.
/// </summary>
internal sealed partial class RedisReplicaRegistry : IReplicaRegistry
{
    // A full server takes no record, but keeps the one that it has: the replica is there, and so are its streams.
    private const string WriteScript = """
        local written = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
        if type(written) == 'table' and written.err then
          if redis.call('PEXPIRE', KEYS[1], ARGV[3]) == 0 then return written end
        else
          redis.call('SADD', KEYS[2], ARGV[1])
        end
        if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
        return 1
        """;

    private const string RemoveScript = """
        redis.call('DEL', KEYS[1])
        redis.call('SREM', KEYS[2], ARGV[1])
        redis.call('PUBLISH', ARGV[2], ARGV[3])
        return 1
        """;

    // Ids whose record expired are dropped here: a replica that was killed cannot do it itself. The ids come as arguments
    // because Garnet locks, and a cluster looks for, only the keys that a script names.
    private const string ReadScript = """
        local live = {}
        for i, id in ipairs(ARGV) do
          local record = redis.call('GET', KEYS[i + 1])
          if record then live[#live + 1] = id live[#live + 1] = record else redis.call('SREM', KEYS[1], id) end
        end
        return live
        """;

    private readonly IConnectionMultiplexer _redis;
    private readonly ReplicaRegistryOptions _options;
    private readonly RedisKey _ids;
    private readonly string _recordPrefix;
    private readonly RedisChannel _channel;
    private readonly ILogger<RedisReplicaRegistry> _logger;

    // Why a record could not be read, by id, as long as it is there: it is read once a second.
    private readonly ConcurrentDictionary<string, string> _reported = new(StringComparer.Ordinal);

    public RedisReplicaRegistry(IConnectionMultiplexer redis, IOptions<ClusterOptions> cluster, IOptions<ReplicaRegistryOptions> options, ILogger<RedisReplicaRegistry> logger)
    {
        _logger = logger;
        _redis = redis;
        _options = options.Value;
        var tag = $"{{{cluster.Value.KeyPrefix}:replicas}}";
        _ids = tag;
        _recordPrefix = tag + ":";
        _channel = RedisChannel.Literal(cluster.Value.KeyPrefix + ":replicas:changed");
    }

    public async Task WriteAsync(ReplicaRecord record, bool announce, CancellationToken cancellationToken)
    {
        var json = JsonSerializer.Serialize(record, ReplicaJsonContext.Default.ReplicaRecord);
        var message = JsonSerializer.Serialize(new ReplicaChange(record.Id, record), ReplicaJsonContext.Default.ReplicaChange);
        await _redis.GetDatabase().ScriptEvaluateAsync(
            WriteScript,
            [_recordPrefix + record.Id, _ids],
            [record.Id, json, (long)_options.Expiry.TotalMilliseconds, announce ? (RedisValue)_channel.ToString() : "", message])
            .WaitAsync(cancellationToken);
    }

    public async Task RemoveAsync(string replicaId, CancellationToken cancellationToken)
    {
        var message = JsonSerializer.Serialize(new ReplicaChange(replicaId, null), ReplicaJsonContext.Default.ReplicaChange);
        await _redis.GetDatabase().ScriptEvaluateAsync(
            RemoveScript, [_recordPrefix + replicaId, _ids], [replicaId, _channel.ToString(), message])
            .WaitAsync(cancellationToken);
    }

    public async Task<IReadOnlyList<ReplicaRecord>> ReadAsync(CancellationToken cancellationToken)
    {
        var database = _redis.GetDatabase();
        var ids = await database.SetMembersAsync(_ids).WaitAsync(cancellationToken);
        var result = await database.ScriptEvaluateAsync(ReadScript, [_ids, .. ids.Select(id => (RedisKey)(_recordPrefix + id))], ids)
            .WaitAsync(cancellationToken);
        var records = new List<ReplicaRecord>();
        foreach (var pair in ((string?[]?)result ?? []).Chunk(2))
        {
            if (pair is not [{ } id, { } json])
            {
                continue;
            }

            if (Parse(json, ReplicaJsonContext.Default.ReplicaRecord, out var reason) is { } record)
            {
                records.Add(record);
                _reported.TryRemove(id, out _);
            }
            else if (!_reported.TryGetValue(id, out var reported) || reported != reason)
            {
                _reported[id] = reason;
                LogForeign(id, reason);
            }
        }

        foreach (var gone in _reported.Keys.Except(ids.Select(id => id.ToString()), StringComparer.Ordinal))
        {
            _reported.TryRemove(gone, out _);
        }

        records.Sort((a, b) => string.CompareOrdinal(a.Id, b.Id));
        return records;
    }

    public async IAsyncEnumerable<ReplicaChange> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // A ChannelMessageQueue keeps the order of announcements; plain handlers may run side by side.
        var queue = await _redis.GetSubscriber().SubscribeAsync(_channel).WaitAsync(cancellationToken);
        try
        {
            await foreach (var message in queue.WithCancellation(cancellationToken))
            {
                // One that cannot be read is of a replica whose record cannot be read either, and that is reported.
                if (Parse((string)message.Message!, ReplicaJsonContext.Default.ReplicaChange, out _) is { } change)
                {
                    yield return change;
                }
            }
        }
        finally
        {
            await queue.UnsubscribeAsync(CommandFlags.FireAndForget);
        }
    }

    // One record of a newer or foreign writer must not hide all others.
    private static T? Parse<T>(string json, JsonTypeInfo<T> type, out string reason)
        where T : class
    {
        try
        {
            reason = "it is null";
            return JsonSerializer.Deserialize(json, type);
        }
        catch (JsonException exception)
        {
            // Without the position, which changes from heartbeat to heartbeat with the numbers before it.
            reason = $"{exception.Message.Split(" Path: ", 2)[0]} At {exception.Path}.";
            return null;
        }
    }

    [LoggerMessage(LogLevel.Warning, "Ignoring replica {Replica}, whose record this version cannot read: {Reason}")]
    private partial void LogForeign(string replica, string reason);
}
