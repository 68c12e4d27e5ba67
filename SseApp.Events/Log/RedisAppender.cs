using StackExchange.Redis;

namespace SseApp.Events.Log;

/// <summary>
/// Appends events to the logs by one script. A single server gets them in their order, one call at a time: those that come
/// while a call is under way go together in the next one. Nothing waits while the server is idle, and the busier it is,
/// the fewer calls it gets.
/// </summary>
internal sealed class RedisAppender(IConnectionMultiplexer redis, ClusterOptions cluster, TopicLogOptions options, TimeProvider time, Action<string> onForeign, Action<Exception> onFault, RedisMemory? memory = null, Action<string>? onIncomplete = null, TopicChannels? channels = null, IAppendObserver? observer = null)
{
    // The expiry is a sixteenth longer than the wanted one and set anew when a sixteenth has passed, not at each publish.
    private const int ExpirySlack = 16;

    private static readonly string s_script = RedisScript.Load("publish.lua");
    private static readonly string s_shardedScript = RedisScript.Sharded(s_script);

    private readonly AppendQueue _queue = new();
    private readonly KnownTopics _known = new();

    public Task<AppendResult> AppendAsync(string topic, ReadOnlyMemory<byte> block, string? idempotencyKey, string? key)
    {
        var keys = cluster.KeysOf(topic);
        var request = new AppendRequest(topic, keys, block, LogEntry.Stamp(time.GetUtcNow().UnixMicroseconds(), key), idempotencyKey);
        // Only the nodes of a Redis Cluster have slots; a script reaches the keys of one slot alone.
        if (redis.GetHashSlot(keys) >= 0)
        {
            _ = SendAsync([request], channels?.AreSharded == true ? s_shardedScript : s_script);
        }
        else if (_queue.Add(request))
        {
            _ = RunAsync();
        }

        return request.Task;
    }

    private async Task SendAsync(AppendRequest[] requests, string script) => Complete(requests, await CallAsync(requests, script));

    private async Task RunAsync()
    {
        AppendRequest[] answered = [];
        Outcome outcome = default;
        while (true)
        {
            // What waited for a server that did not answer in time is not kept waiting for as long again.
            var next = _queue.Take(everything: outcome.Failure is RedisTimeoutException);
            var calling = next.Length == 0 || outcome.Failure is RedisTimeoutException ? null : CallAsync(next, s_script);
            // The server works on the next call while these are answered.
            Complete(answered, outcome);
            if (calling is null)
            {
                Complete(next, new Outcome(null, new RedisException("Redis did not answer an earlier call; this one was not sent.")));
                if (next.Length == 0)
                {
                    return;
                }

                (answered, outcome) = ([], default);
                continue;
            }

            (answered, outcome) = (next, await calling);
        }
    }

    private async Task<Outcome> CallAsync(AppendRequest[] requests, string script)
    {
        var cost = RedisMemory.Cost(requests.Length, requests.Sum(request => (long)request.Block.Length));
        try
        {
            return memory is not null && await memory.BeginAsync(cost) is { } full
                ? new Outcome(null, full)
                : new Outcome(await EvaluateAsync(requests, script), null);
        }
#pragma warning disable CA1031 // Each publisher gets the exception.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return new Outcome(null, Reported(exception));
        }
        finally
        {
            memory?.End(cost);
        }
    }

    private async Task<RedisResult[]> EvaluateAsync(AppendRequest[] requests, string script)
    {
        var withKey = requests.Count(request => request.IdempotencyKey is not null);
        var keys = new RedisKey[(2 * requests.Length) + withKey];
        var values = new RedisValue[2 + (12 * requests.Length)];
        var (k, v) = (0, 0);
        values[v++] = Epoch.Create().ToString();
        values[v++] = (long)options.IdempotencyWindow.TotalMilliseconds;
        // Whatever each topic may keep for the archive, a server that fills up keeps what it would keep without one.
        var hasRoom = memory?.IsFilling != true;
        foreach (var request in requests)
        {
            var prefix = request.Keys;
            var retention = options.RetentionOf(request.Topic);
            var idle = (long)retention.IdleExpiry.TotalMilliseconds;
            request.Known = _known.Find(request.Topic);
            var due = IsExpiryDue(request.Known.ExpirySetAt, retention.IdleExpiry);
            request.ExpirySetAt = due ? time.GetTimestamp() : 0;
            keys[k++] = prefix + "counter";
            keys[k++] = prefix + "log";
            if (request.IdempotencyKey is not null)
            {
                keys[k++] = prefix + "key:" + request.IdempotencyKey;
            }

            values[v++] = cluster.ChannelOf(request.Topic);
            values[v++] = request.Stamp;
            values[v++] = request.Block;
            values[v++] = retention.MaxEvents;
            values[v++] = retention.MaxBytes;
            values[v++] = idle + (idle / ExpirySlack);
            values[v++] = due ? 1 : 0;
            values[v++] = request.IdempotencyKey is null ? 0 : 1;
            values[v++] = request.Known.Newest.Epoch.ToString();
            values[v++] = request.Known.Newest.Offset;
            values[v++] = retention.IsArchived && hasRoom ? options.MaxUnarchivedEvents : 0;
            values[v++] = retention.IsArchived && hasRoom ? options.MaxUnarchivedBytes : 0;
        }

        var answer = await redis.GetDatabase().ScriptEvaluateAsync(script, keys, values, RedisScript.Flags);
        return (RedisResult[]?)answer ?? [];
    }

    private bool IsExpiryDue(long setAt, TimeSpan idle) => setAt == 0 || time.GetElapsedTime(setAt) >= idle / ExpirySlack;

    private void Complete(AppendRequest[] requests, in Outcome outcome)
    {
        for (var i = 0; i < requests.Length; i++)
        {
            observer?.Appended(requests[i].Topic, requests[i].Block.Length);
            if (outcome.Answers is not { } answers || i >= answers.Length)
            {
                requests[i].TrySetException(outcome.Failure ?? new RedisException("The script publish.lua answered too little."));
                continue;
            }

            try
            {
                Answer(requests[i], answers[i]);
            }
#pragma warning disable CA1031 // The publisher gets it; a loop that ended here would keep all others waiting for ever.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                requests[i].TrySetException(Reported(exception));
            }
        }
    }

    // Publishers are told that nobody knows whether it is stored, whatever the client throws while servers are replaced.
    private Exception Reported(Exception exception)
    {
        if (RedisErrors.IsUnavailable(exception) || RedisErrors.IsFull(exception))
        {
            return exception;
        }

        onFault(exception);
        return new RedisClientException(exception);
    }

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
            var refused = new RedisServerException(text[1..]);
            if (RedisErrors.IsWrongType(refused))
            {
                onForeign(request.Topic);
            }

            request.TrySetException(refused);
            return;
        }

        var parts = text.Split(' ', 4);
        var position = new Position(RedisScript.ParseEpoch(parts[0]), long.Parse(parts[1], CultureInfo.InvariantCulture));
        if (parts[2] == "1")
        {
            request.TrySetResult(new AppendResult(position, Repeated: true));
            return;
        }

        Stored(request, position);
        if (parts[2] == "2")
        {
            onForeign(request.Topic);
        }
        else if (parts[2] == "3")
        {
            // To say that it is not stored would have it published twice.
            onIncomplete?.Invoke(parts[3]);
        }
    }

    private void Stored(AppendRequest request, Position position)
    {
        _known.Remember(request.Topic, position, request.ExpirySetAt);
        request.TrySetResult(new AppendResult(position, Repeated: false));
    }

    private readonly record struct Outcome(RedisResult[]? Answers, Exception? Failure);
}
