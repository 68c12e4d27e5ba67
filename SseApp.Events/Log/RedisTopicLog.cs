using SseApp.ServiceDefaults.Cluster.Signing;
using StackExchange.Redis;

namespace SseApp.Events.Log;

internal sealed partial class RedisTopicLog : ITopicLog, IDisposable
{
    // A script keeps all others waiting: some hundred microseconds.
    private const int EraseSlice = 256;

    private const string Strange = "its keys held something else than a log; what is none of this version has made room for a new one, and while the counter is no hash nothing can be stored: DELETE /topics/… takes it away";
    private const string NoEvent = "what its channel carried is no event that anybody can have published";
    private const string NoList = "its log is no list, so it has no events";
    private const string Unreadable = "its counter is none of this version, so there is no log";

    private static readonly string s_readScript = RedisScript.Load("read.lua");
    private static readonly string s_dropScript = RedisScript.Load("drop.lua");
    private static readonly string s_shardedDropScript = RedisScript.Sharded(s_dropScript);
    private static readonly string s_eraseScript = RedisScript.Load("erase.lua");
    private static readonly string s_shardedEraseScript = RedisScript.Sharded(s_eraseScript);
    private static readonly string s_archivedScript = RedisScript.Load("archived.lua");

    private readonly IConnectionMultiplexer _redis;
    private readonly ClusterOptions _cluster;
    private readonly TopicLogOptions _options;
    private readonly TopicChannels _channels;
    private readonly RedisAppender _appender;
    private readonly ILogger<RedisTopicLog> _logger;
    private readonly ForgedRecords? _forged;
    private string? _reportedIncomplete;

    public RedisTopicLog(
        IConnectionMultiplexer redis,
        IOptions<ClusterOptions> cluster,
        IOptions<TopicLogOptions> options,
        TimeProvider time,
        ILogger<RedisTopicLog> logger,
        RedisMemory? memory = null,
        ForgedRecords? forged = null,
        Func<IConnectionMultiplexer, bool?>? areSharded = null,
        IAppendObserver? observer = null)
    {
        _redis = redis;
        _cluster = cluster.Value;
        _options = options.Value;
        _channels = new TopicChannels(redis, _cluster, time, areSharded ?? RedisTopology.HasShardedChannels);
        _appender = new RedisAppender(redis, _cluster, _options, time, topic => CountForeign(topic, Strange), LogFault, memory, ReportIncomplete, _channels, observer);
        _logger = logger;
        _forged = forged;
        redis.ConnectionRestored += OnConnectionRestored;
    }

    public event EventHandler? Restored;

    public Task<AppendResult> AppendAsync(string topic, ReadOnlyMemory<byte> block, string? idempotencyKey, string? key = null) =>
        _appender.AppendAsync(topic, block, idempotencyKey, key);

    public async Task<LogEnd> GetEndAsync(string topic)
    {
        _channels.Look();
        RedisValue[] values;
        try
        {
            values = await _redis.GetDatabase().HashGetAsync(
                _cluster.KeysOf(topic) + "counter", ["epoch", "offset", "published"], RedisScript.Flags);
        }
        catch (RedisServerException exception) when (RedisErrors.IsWrongType(exception))
        {
            CountForeign(topic, Unreadable);
            return default;
        }

        if (!RedisScript.TryParseEnd(values[0], values[1], values[2], out var end) && !values[0].IsNull)
        {
            CountForeign(topic, Unreadable);
        }

        return end;
    }

    public async Task<LogPage> ReadAsync(string topic, long after, int maxEvents, int maxBytes)
    {
        var prefix = _cluster.KeysOf(topic);
        var retention = _options.RetentionOf(topic);
        var answer = await _redis.GetDatabase().ScriptEvaluateAsync(
            s_readScript, [prefix + "counter", prefix + "log"],
            [after, maxEvents, maxBytes, retention.IsArchived ? retention.MaxEvents + _options.MaxUnarchivedEvents : retention.MaxEvents, LogEntry.MaxBytes],
            RedisScript.Flags);
        var parts = (RedisValue[]?)answer ?? throw new InvalidOperationException("The script read.lua returned nothing.");
        if (!RedisScript.TryParseEnd(parts[0], parts[1], parts[2], out var end))
        {
            if (parts[0] != "0")
            {
                CountForeign(topic, Unreadable);
            }

            return new LogPage(1, default, []);
        }

        if (!parts[3].TryParse(out long held))
        {
            CountForeign(topic, NoList);
        }

        var first = end.Position.Offset - held + 1;
        var entries = new LogEntry[parts.Length - 4];
        for (var i = 0; i < entries.Length; i++)
        {
            var position = end.Position with { Offset = Math.Max(after + 1, first) + i };
            if (LogEntry.Parse((byte[])parts[i + 4]!) is { } entry && entry.Position == position)
            {
                entries[i] = entry;
            }
            else
            {
                CountForeign(topic, $"at offset {position.Offset} its log has no event that anybody can have published there; subscribers get a gap in its place");
                entries[i] = StreamGap.Create(topic, GapReason.Expired, position.Offset, position.Offset, position);
            }
        }

        return new LogPage(first, end, entries);
    }

    public async Task<long> CountSubscribedReplicasAsync(string topic)
    {
        var sharded = _channels.AreSharded;
        var channel = _channels.Of(topic, sharded);
        if (sharded)
        {
            // As a key it finds the way to its node.
            var answer = (RedisResult[]?)await _redis.GetDatabase().ExecuteAsync("PUBSUB", ["SHARDNUMSUB", (RedisKey)channel.ToString()], RedisScript.Flags);
            return answer is [_, var count, ..] ? (long)count : 0;
        }

        // PUBSUB NUMSUB knows the subscribers of one node.
        var counts = await Task.WhenAll(_redis.GetServers().Where(server => server.IsConnected).Select(server => server.SubscriptionSubscriberCountAsync(channel)));
        return counts.Sum();
    }

    public async Task<Epoch?> DeleteAsync(string topic) => await DropAsync(topic, "") switch
    {
        "0" => null,
        { Length: 16 } text when ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var epoch) => new Epoch(epoch),
        _ => default(Epoch),
    };

    public async Task<ErasedEvents> EraseAsync(string topic, string key)
    {
        var prefix = _cluster.KeysOf(topic);
        var (from, erased, end) = (1L, 0L, default(Position));
        while (true)
        {
            var answer = (RedisValue[]?)await _redis.GetDatabase().ScriptEvaluateAsync(
                _channels.AreSharded ? s_shardedEraseScript : s_eraseScript, [prefix + "counter", prefix + "log"], [from, EraseSlice, key, _cluster.ChannelOf(topic), Announcement()], RedisScript.Flags)
                ?? throw new InvalidOperationException("The script erase.lua returned nothing.");
            if (!RedisScript.TryParseEnd(answer[0], answer[1], RedisValue.Null, out var last) || (end != default && last.Position.Epoch != end.Epoch))
            {
                return new ErasedEvents(end, erased);
            }

            end = end == default ? last.Position : end;
            from = (long)answer[2];
            erased += (long)answer[3];
            if (from > end.Offset)
            {
                return new ErasedEvents(end, erased);
            }
        }
    }

    public Task MarkArchivedAsync(string topic, Position archived, bool dropEvents)
    {
        var prefix = _cluster.KeysOf(topic);
        return _redis.GetDatabase().ScriptEvaluateAsync(
            s_archivedScript, [prefix + "counter", prefix + "log"], [archived.Epoch.ToString(), archived.Offset, dropEvents ? 1 : 0], RedisScript.Flags);
    }

    public async Task<long> CountUnarchivedAsync(string topic)
    {
        var values = await _redis.GetDatabase().HashGetAsync(_cluster.KeysOf(topic) + "counter", ["offset", "archived"], RedisScript.Flags);
        return values[0].TryParse(out long last) ? last - (values[1].TryParse(out long archived) ? archived : 0) : 0;
    }

    public Task FenceAsync(string topic, Epoch epoch) => DropAsync(topic, epoch.ToString());

    public Task<IAsyncDisposable> SubscribeAsync(string topic, Action<LogEntry> onEvent) => _channels.SubscribeAsync(topic, message =>
    {
        // Nothing is published that is erased already.
        if (LogEntry.Parse(message.Message) is { } entry && (!entry.IsTombstone || entry.Position.Offset == 0))
        {
            onEvent(entry);
        }
        else
        {
            CountForeign(topic, NoEvent);
        }
    });

    public void Dispose() => _redis.ConnectionRestored -= OnConnectionRestored;

    private async Task<string> DropAsync(string topic, string epoch)
    {
        var prefix = _cluster.KeysOf(topic);
        return (string?)await _redis.GetDatabase().ScriptEvaluateAsync(
            _channels.AreSharded ? s_shardedDropScript : s_dropScript, [prefix + "counter", prefix + "log"], [_cluster.ChannelOf(topic), Announcement(), epoch], RedisScript.Flags) ?? "0";
    }

    // Offset 0 of an unknown epoch: no event, but reason for every hub to look at the log.
    private static string Announcement() => $"2 {Epoch.Create()} 0 0 0\n";

    private void OnConnectionRestored(object? sender, ConnectionFailedEventArgs e)
    {
        // Whichever connection it was: with RESP3 there is one for everything, and a new server may lack what the old one had.
        Restored?.Invoke(this, EventArgs.Empty);
    }

    // By the counter's name it is logged once in a while only, and the alert says that somebody writes into Redis.
    private void CountForeign(string topic, string why) => _forged?.Add(ForgedKind.Topic, topic, why);

    // Once for each cause: it may be the same for every publish.
    private void ReportIncomplete(string error)
    {
        if (Interlocked.Exchange(ref _reportedIncomplete, error) != error)
        {
            LogIncomplete(error);
        }
    }

    [LoggerMessage(LogLevel.Error, "Redis stored an event and refused a command after that, so it may have been announced late, kept too long, or be stored twice if it is published again with its key. {Error}")]
    private partial void LogIncomplete(string error);

    [LoggerMessage(LogLevel.Error, "A publish failed in the Redis client in a way that it has no exception for, or its answer could not be read; the publisher was told that the event may or may not be stored.")]
    private partial void LogFault(Exception exception);
}
