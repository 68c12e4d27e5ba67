using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using SseApp.ServiceDefaults.Cluster.Redis;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>
/// One expiring key a replica plus a set of the ids. All keys share a hash tag, so each operation is one atomic
/// script on a standalone server and on Redis Cluster alike. Records and announcements are signed: what somebody else wrote,
/// or wrote again, is ignored.
/// </summary>
internal sealed class RedisReplicaRegistry : IReplicaRegistry
{
    // A full server takes no record, but keeps the one that it has: the replica is there, and so are its streams. That record
    // grows old, and old ones do not count; so the new one is announced. One that takes no write at all (its disk is full, too few of
    // its own replicas follow it) lets the record run out: then the announcements alone are what is known of the replica.
    private const string WriteScript = """
        local announce = ARGV[6]
        local written = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
        if type(written) == 'table' and written.err then
          redis.pcall('PEXPIRE', KEYS[1], ARGV[3])
          announce = '1'
        else
          -- The set is the cluster's own; what is not one there would hide every replica.
          local added = redis.pcall('SADD', KEYS[2], ARGV[1])
          if type(added) == 'table' and added.err then
            redis.call('DEL', KEYS[2])
            redis.call('SADD', KEYS[2], ARGV[1])
          end
        end
        if announce == '1' then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
        return 1
        """;

    private const string RemoveScript = """
        redis.pcall('DEL', KEYS[1])
        redis.pcall('SREM', KEYS[2], ARGV[1])
        redis.call('PUBLISH', ARGV[2], ARGV[3])
        return 1
        """;

    // Ids whose record expired are dropped here: a replica that was killed cannot do it itself. The ids come as arguments
    // because Garnet locks, and a cluster looks for, only the keys that a script names.
    // What can be no record is answered as a fault, after '!', which no record begins with: it hides no other.
    private const string ReadScript = """
        local live = {}
        for i = 2, #ARGV do
          local length = redis.pcall('STRLEN', KEYS[i])
          local record
          if type(length) == 'table' then
            record = '!type'
          elseif length > tonumber(ARGV[1]) then
            record = '!size'
          else
            record = redis.call('GET', KEYS[i])
          end
          if record then live[#live + 1] = ARGV[i] live[#live + 1] = record else redis.pcall('SREM', KEYS[1], ARGV[i]) end
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
    private readonly SignedRecords _records;
    private readonly TimeProvider _time;

    // The newest that each replica has said, null when it has left, for as long as something older could be repeated.
    private readonly ConcurrentDictionary<string, Said> _newest = new(StringComparer.Ordinal);

    // When each replica last announced itself: as a rule only its changes, each heartbeat while no record can be written.
    private readonly ConcurrentDictionary<string, long> _announced = new(StringComparer.Ordinal);

    public RedisReplicaRegistry(
        IConnectionMultiplexer redis,
        IOptions<ClusterOptions> cluster,
        IOptions<ReplicaRegistryOptions> options,
        SignedRecords records,
        TimeProvider time)
    {
        _records = records;
        _time = time;
        _redis = redis;
        _options = options.Value;
        var tag = $"{{{cluster.Value.KeyPrefix}:replicas}}";
        _ids = tag;
        _recordPrefix = tag + ":";
        _channel = RedisChannel.Literal(cluster.Value.ChannelPrefix + ":replicas:changed");
    }

    public async Task WriteAsync(ReplicaRecord record, bool announce, CancellationToken cancellationToken)
    {
        var key = _recordPrefix + record.Id;
        var json = _records.Sign(ForgedKind.Record, key, record, ReplicaJsonContext.Default.ReplicaRecord);
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
        var ids = await IdsAsync(database, cancellationToken);
        var result = await database.ScriptEvaluateAsync(
            ReadScript, [_ids, .. ids.Select(id => (RedisKey)(_recordPrefix + id))], [SignedRecords.MaxBytes, .. ids])
            .WaitAsync(cancellationToken);
        var records = new List<ReplicaRecord>();
        foreach (var pair in ((string?[]?)result ?? []).Chunk(2))
        {
            if (pair is not [{ } id, { } text])
            {
                continue;
            }

            if (text is "!type" or "!size")
            {
                _records.Reject(ForgedKind.Record, id, text == "!type" ? SignedRecords.WrongType : SignedRecords.TooLarge);
            }
            else if (_records.Read(ForgedKind.Record, _recordPrefix + id, id, text, ReplicaJsonContext.Default.ReplicaRecord) is { } signed
                && Newest(id, signed.Body, signed.At) is { } newest)
            {
                records.Add(newest);
            }
        }

        records.AddRange(Announced(records));
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
                if (_records.Read(ForgedKind.Announcement, _channel.ToString(), "", message.Message, ReplicaJsonContext.Default.ReplicaChange, current: true) is { } signed
                    && IsNew(signed.Body, signed.At))
                {
                    if (signed.Body.Record is null)
                    {
                        _announced.TryRemove(signed.Body.ReplicaId, out _);
                    }
                    else
                    {
                        _announced[signed.Body.ReplicaId] = _time.GetTimestamp();
                    }

                    yield return signed.Body;
                }
            }
        }
        finally
        {
            await queue.UnsubscribeAsync(CommandFlags.FireAndForget);
        }
    }

    private string Announcement(ReplicaChange change) =>
        _records.Sign(ForgedKind.Announcement, _channel.ToString(), change, ReplicaJsonContext.Default.ReplicaChange);

    // Those whose records the server has not, but who have announced themselves for as long as a record would be kept.
    private ReplicaRecord[] Announced(List<ReplicaRecord> read)
    {
        foreach (var (id, at) in _announced)
        {
            if (_time.GetElapsedTime(at) > _options.Expiry)
            {
                _announced.TryRemove(KeyValuePair.Create(id, at));
            }
        }

        return
        [
            .. _announced.Keys.Except(read.Select(record => record.Id), StringComparer.Ordinal)
                .Select(id => _newest.GetValueOrDefault(id)).OfType<Said>().Where(said => _records.AgeFault(said.At) is null).Select(said => said.Record).OfType<ReplicaRecord>(),
        ];
    }

    // The known ones too, whose records are there as long as they live: whoever takes the set away, or puts something else in
    // its place, hides none until the next heartbeats mend it.
    private async Task<RedisValue[]> IdsAsync(IDatabase database, CancellationToken cancellationToken)
    {
        var known = _newest.Where(said => said.Value.Record is not null).Select(said => (RedisValue)said.Key);
        try
        {
            return [.. (await database.SetMembersAsync(_ids).WaitAsync(cancellationToken)).Union(known)];
        }
        catch (RedisServerException exception) when (RedisErrors.IsWrongType(exception))
        {
            _records.Reject(ForgedKind.Record, _ids.ToString(), SignedRecords.WrongType);
            return [.. known];
        }
    }

    /// <summary>What the replica says now, of which the given record is the newest or a repetition; null when it counts no more.</summary>
    private ReplicaRecord? Newest(string id, ReplicaRecord record, DateTimeOffset at)
    {
        if (!string.Equals(record.Id, id, StringComparison.Ordinal))
        {
            _records.Reject(ForgedKind.Record, id, "it is another replica's");
            return null;
        }

        if (_records.AgeFault(at) is { } tooOld && !(_newest.TryGetValue(id, out var known) && Outdoes(known, at)))
        {
            _records.Reject(ForgedKind.Record, id, tooOld);
            return null;
        }

        var said = Note(id, record, at);
        if (_records.AgeFault(said.At) is { } old)
        {
            _records.Reject(ForgedKind.Record, id, old);
            return null;
        }

        // A replica that leaves takes its record away, but this read may have been quicker.
        if (said.Record is null && _time.GetElapsedTime(said.NotedAt) > s_crossing)
        {
            _records.Reject(ForgedKind.Record, id, "it was written again after the replica had left");
        }

        return said.Record;
    }

    private bool IsNew(ReplicaChange change, DateTimeOffset at)
    {
        if (change.Record is { } record && !string.Equals(record.Id, change.ReplicaId, StringComparison.Ordinal))
        {
            _records.Reject(ForgedKind.Announcement, change.ReplicaId, "its record is another replica's");
            return false;
        }

        var said = Note(change.ReplicaId, change.Record, at);
        if (said.At > at && _time.GetElapsedTime(said.NotedAt) > s_crossing)
        {
            _records.Reject(ForgedKind.Announcement, change.ReplicaId, "it was sent again");
        }

        return said.At == at;
    }

    private Said Note(string id, ReplicaRecord? record, DateTimeOffset at)
    {
        var said = new Said(at, record, _time.GetTimestamp());
        return _newest.AddOrUpdate(id, said, (_, before) => Outdoes(before, at) ? before : before.At == at && record is not null && before.Record is null ? before : said);
    }

    private void Forget()
    {
        foreach (var (id, said) in _newest)
        {
            if (_time.GetUtcNow() - said.At > 2 * RecordSignature.Lifetime || IsAhead(said.At))
            {
                _newest.TryRemove(id, out _);
            }
        }
    }

    private bool Outdoes(Said said, DateTimeOffset at) => said.At > at && !IsAhead(said.At);

    // Of a clock that has been set right since: what was said by it would outdo for hours whatever is said now.
    private bool IsAhead(DateTimeOffset at) => at - _time.GetUtcNow() > RecordSignature.Lifetime;

    private sealed record Said(DateTimeOffset At, ReplicaRecord? Record, long NotedAt);
}
