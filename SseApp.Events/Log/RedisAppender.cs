using System.Globalization;
using StackExchange.Redis;

namespace SseApp.Events.Log;

/// <summary>Appends events to the logs by one script, on a single server many at a time.</summary>
internal sealed class RedisAppender
{
    private static readonly string s_script = RedisScript.Load("publish.lua");

    private readonly IConnectionMultiplexer _redis;
    private readonly ClusterOptions _cluster;
    private readonly TopicLogOptions _options;
    private readonly TimeProvider _time;
    private readonly AppendQueue _queue;
    private readonly KnownTopics _known = new();

    public RedisAppender(IConnectionMultiplexer redis, ClusterOptions cluster, TopicLogOptions options, TimeProvider time)
    {
        _redis = redis;
        _cluster = cluster;
        _options = options;
        _time = time;
        _queue = new AppendQueue(CallAsync, Answer);
    }

    public Task<AppendResult> AppendAsync(string topic, ReadOnlyMemory<byte> block, string? idempotencyKey, string? key)
    {
        var keys = _cluster.KeysOf(topic);
        var request = new AppendRequest(topic, keys, block, LogEntry.Stamp(_time.GetUtcNow().UnixMicroseconds(), key), idempotencyKey);
        // Only the nodes of a Redis Cluster have slots; a script reaches the keys of one slot alone.
        if (_redis.GetHashSlot(keys) >= 0)
        {
            _ = _queue.SendAsync(request);
        }
        else
        {
            _queue.Add(request);
        }

        return request.Task;
    }

    private async Task<RedisResult[]> CallAsync(AppendRequest[] requests)
    {
        var withKey = requests.Count(request => request.IdempotencyKey is not null);
        var keys = new RedisKey[(2 * requests.Length) + withKey];
        var values = new RedisValue[2 + (9 * requests.Length)];
        var (k, v) = (0, 0);
        values[v++] = Epoch.Create().ToString();
        values[v++] = (long)_options.IdempotencyWindow.TotalMilliseconds;
        foreach (var request in requests)
        {
            var prefix = request.Keys;
            var retention = _options.RetentionOf(request.Topic);
            var idle = (long)retention.IdleExpiry.TotalMilliseconds;
            request.Known = _known.Find(request.Topic);
            var due = IsExpiryDue(request.Known.ExpirySetAt, retention.IdleExpiry);
            request.ExpirySetAt = due ? _time.GetTimestamp() : 0;
            keys[k++] = prefix + "counter";
            keys[k++] = prefix + "log";
            if (request.IdempotencyKey is not null)
            {
                keys[k++] = prefix + "key:" + request.IdempotencyKey;
            }

            values[v++] = prefix + "live";
            values[v++] = request.Stamp;
            values[v++] = request.Block;
            values[v++] = retention.MaxEvents;
            values[v++] = idle + (idle / ExpirySlack);
            values[v++] = due ? 1 : 0;
            values[v++] = request.IdempotencyKey is null ? 0 : 1;
            values[v++] = request.Known.Newest.Epoch.ToString();
            values[v++] = request.Known.Newest.Offset;
        }

        var answer = await _redis.GetDatabase().ScriptEvaluateAsync(s_script, keys, values, RedisScript.Flags);
        return (RedisResult[]?)answer ?? [];
    }

    // The expiry is a sixteenth longer than the wanted one and set anew when a sixteenth has passed, not at each publish.
    private const int ExpirySlack = 16;

    private bool IsExpiryDue(long setAt, TimeSpan idle) => setAt == 0 || _time.GetElapsedTime(setAt) >= idle / ExpirySlack;

    private void Answer(AppendRequest request, RedisResult answer)
    {
        if (answer.Resp2Type == ResultType.Integer)
        {
            Stored(request, new Position(request.Known.Newest.Epoch, (long)answer));
            return;
        }

        var text = (string)answer!;
        if (text.StartsWith('!'))
        {
            request.TrySetException(new RedisServerException(text[1..]));
            return;
        }

        var parts = text.Split(' ');
        var position = new Position(RedisScript.ParseEpoch(parts[0]), long.Parse(parts[1], CultureInfo.InvariantCulture));
        if (parts[2] == "0")
        {
            Stored(request, position);
        }
        else
        {
            request.TrySetResult(new AppendResult(position, Repeated: true));
        }
    }

    private void Stored(AppendRequest request, Position position)
    {
        _known.Remember(request.Topic, position, request.ExpirySetAt);
        request.TrySetResult(new AppendResult(position, Repeated: false));
    }
}
