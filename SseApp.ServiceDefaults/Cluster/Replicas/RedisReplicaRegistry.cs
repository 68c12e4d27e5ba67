using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;
using SseApp.ServiceDefaults.Cluster.Redis;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>
/// One expiring key a replica plus a set of the ids. All keys share a hash tag, so each operation is one atomic
/// script on a standalone server and on Redis Cluster alike. Records and announcements are signed: what somebody else wrote,
/// or wrote again, is ignored.
/// </summary>
internal sealed partial class RedisReplicaRegistry : IReplicaRegistry
{
    // A full server takes no record, but keeps the one that it has: the replica is there, and so are its streams. That record
    // grows old, and old ones do not count; so the new one is announced.
    private const string WriteScript = """
        local announce = ARGV[6]
        local written = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
        if type(written) == 'table' and written.err then
          if redis.call('PEXPIRE', KEYS[1], ARGV[3]) == 0 then return written end
          announce = '1'
        else
          redis.call('SADD', KEYS[2], ARGV[1])
        end
        if announce == '1' then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
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

    // What may lie between the announcement of a change and the end of a read that began before it.
    private static readonly TimeSpan s_crossing = TimeSpan.FromSeconds(5);

    private readonly IConnectionMultiplexer _redis;
    private readonly ReplicaRegistryOptions _options;
    private readonly RedisKey _ids;
    private readonly string _recordPrefix;
    private readonly RedisChannel _channel;
    private readonly RecordSignature _signature;
    private readonly ForgedRecords _forged;
    private readonly TimeProvider _time;
    private readonly ILogger<RedisReplicaRegistry> _logger;

    // The newest that each replica has said, null when it has left, for as long as something older could be repeated.
    private readonly ConcurrentDictionary<string, Said> _newest = new(StringComparer.Ordinal);

    // Why a record could not be read, by id, as long as it is there: it is read once a second.
    private readonly ConcurrentDictionary<string, string> _reported = new(StringComparer.Ordinal);

    public RedisReplicaRegistry(
        IConnectionMultiplexer redis,
        IOptions<ClusterOptions> cluster,
        IOptions<ReplicaRegistryOptions> options,
        RecordSignature signature,
        ForgedRecords forged,
        TimeProvider time,
        ILogger<RedisReplicaRegistry> logger)
    {
        _signature = signature;
        _forged = forged;
        _time = time;
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
        var key = _recordPrefix + record.Id;
        var json = _signature.Sign(ForgedKind.Record, key, JsonSerializer.Serialize(record, ReplicaJsonContext.Default.ReplicaRecord));
        await _redis.GetDatabase().ScriptEvaluateAsync(
            WriteScript,
            [key, _ids],
            [record.Id, json, (long)_options.Expiry.TotalMilliseconds, _channel.ToString(), Announcement(new ReplicaChange(record.Id, record)), announce ? "1" : ""])
            .WaitAsync(cancellationToken);
    }

    public async Task RemoveAsync(string replicaId, CancellationToken cancellationToken)
    {
        await _redis.GetDatabase().ScriptEvaluateAsync(
            RemoveScript, [_recordPrefix + replicaId, _ids], [replicaId, _channel.ToString(), Announcement(new ReplicaChange(replicaId, null))])
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
            if (pair is not [{ } id, { } text])
            {
                continue;
            }

            if (_signature.Verify(ForgedKind.Record, _recordPrefix + id, text, out var fault) is not { } signed)
            {
                _forged.Add(ForgedKind.Record, id, fault);
            }
            else if (Parse(signed.Body, ReplicaJsonContext.Default.ReplicaRecord, out var reason) is { } record)
            {
                _reported.TryRemove(id, out _);
                if (Newest(id, record, signed.At) is { } newest)
                {
                    records.Add(newest);
                }
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

        Forget();
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
                if (_signature.VerifyCurrent(ForgedKind.Announcement, _channel.ToString(), message.Message, out var fault) is not { } signed)
                {
                    _forged.Add(ForgedKind.Announcement, "", fault);
                }
                // One that cannot be read is of a replica whose record cannot be read either, and that is reported.
                else if (Parse(signed.Body, ReplicaJsonContext.Default.ReplicaChange, out _) is { } change && IsNew(change, signed.At))
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

    private string Announcement(ReplicaChange change) =>
        _signature.Sign(ForgedKind.Announcement, _channel.ToString(), JsonSerializer.Serialize(change, ReplicaJsonContext.Default.ReplicaChange));

    /// <summary>What the replica says now, of which the given record is the newest or a repetition; null when it counts no more.</summary>
    private ReplicaRecord? Newest(string id, ReplicaRecord record, DateTimeOffset at)
    {
        if (!string.Equals(record.Id, id, StringComparison.Ordinal))
        {
            _forged.Add(ForgedKind.Record, id, "it is another replica's");
            return null;
        }

        if (_signature.AgeFault(at) is { } tooOld && !(_newest.TryGetValue(id, out var known) && known.At > at))
        {
            _forged.Add(ForgedKind.Record, id, tooOld);
            return null;
        }

        var said = Note(id, record, at);
        if (_signature.AgeFault(said.At) is { } old)
        {
            _forged.Add(ForgedKind.Record, id, old);
            return null;
        }

        // A replica that leaves takes its record away, but this read may have been quicker.
        if (said.Record is null && _time.GetElapsedTime(said.NotedAt) > s_crossing)
        {
            _forged.Add(ForgedKind.Record, id, "it was written again after the replica had left");
        }

        return said.Record;
    }

    private bool IsNew(ReplicaChange change, DateTimeOffset at)
    {
        if (change.Record is { } record && !string.Equals(record.Id, change.ReplicaId, StringComparison.Ordinal))
        {
            _forged.Add(ForgedKind.Announcement, change.ReplicaId, "its record is another replica's");
            return false;
        }

        var said = Note(change.ReplicaId, change.Record, at);
        if (said.At > at && _time.GetElapsedTime(said.NotedAt) > s_crossing)
        {
            _forged.Add(ForgedKind.Announcement, change.ReplicaId, "it was sent again");
        }

        return said.At == at;
    }

    private Said Note(string id, ReplicaRecord? record, DateTimeOffset at)
    {
        var said = new Said(at, record, _time.GetTimestamp());
        return _newest.AddOrUpdate(id, said, (_, before) => before.At > at ? before : before.At == at && record is not null && before.Record is null ? before : said);
    }

    private void Forget()
    {
        foreach (var (id, said) in _newest)
        {
            if (_time.GetUtcNow() - said.At > 2 * RecordSignature.Lifetime)
            {
                _newest.TryRemove(id, out _);
            }
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

    private sealed record Said(DateTimeOffset At, ReplicaRecord? Record, long NotedAt);
}
