using StackExchange.Redis;

namespace SseApp.Tests.Infrastructure;

/// <summary>
/// A topic log of one topic in memory whose channel does what a test says: carries a message at once, later, or never.
/// </summary>
internal sealed class ScriptedTopicLog(int maxPage) : ITopicLog
{
    private readonly Lock _gate = new();
    private readonly List<LogEntry> _log = [];
    private readonly Queue<LogEntry> _delayed = new();
    private readonly List<string> _data = [];
    private readonly List<Action<LogEntry>> _handlers = [];
    private Epoch _epoch;
    private long _last;
    private long _publishedAt;

    // Far from expiry, and no two events at one time.
    private long _clock = TimeProvider.System.GetUtcNow().UnixMicroseconds();
    private int _reads;

    private int _failures;

    public event EventHandler? Restored
    {
        add { }
        remove { }
    }

    /// <summary>Every event that was ever published, also of logs that are gone, with the one that was before it in its log.</summary>
    public Dictionary<string, (Position Position, string? Before)> Published { get; } = [];

    /// <summary>The newest event of the log; null if it has none.</summary>
    public string? Newest { get; private set; }

    /// <summary>How long ago events are published.</summary>
    public TimeSpan Age { get; init; }

    /// <summary>Runs when a range was read and is about to be answered.</summary>
    public Func<Task> BeforeRange { get; set; } = () => Task.CompletedTask;

    /// <summary>Runs when a page was read and is about to be answered.</summary>
    public Action AfterRead { get; set; } = () => { };

    /// <summary>Runs before a subscription ends.</summary>
    public Action BeforeUnsubscribe { get; set; } = () => { };

    /// <summary>The epochs in their order, each with the highest offset that was trimmed away.</summary>
    public List<(Epoch Epoch, long Trimmed)> Epochs { get; } = [];

    public int Reads => Volatile.Read(ref _reads);

    /// <summary>Lets the next reads fail.</summary>
    public void FailReads(int count) => Volatile.Write(ref _failures, count);

    public LogEnd End => new(new Position(_epoch, _last), _publishedAt);

    public void Publish(string data, bool lost, bool delayed)
    {
        lock (_gate)
        {
            if (_epoch == default)
            {
                _epoch = Epoch.Create();
                Epochs.Add((_epoch, 0));
            }

            _last++;
            var entry = LogEntry.Parse(Encoding.UTF8.GetBytes($"2 {_epoch} {_last} {_publishedAt} {++_clock - (long)Age.TotalMicroseconds}\ndata: {data}\n\n"))!;
            _publishedAt = entry.PublishedAtMicroseconds;
            _log.Add(entry);
            _data.Add(data);
            Published.Add(data, (entry.Position, Newest));
            Newest = data;
            if (!lost)
            {
                _delayed.Enqueue(entry);
            }
        }

        if (!delayed)
        {
            Carry();
        }
    }

    /// <summary>Lets the channel carry all that it holds back.</summary>
    public void Carry()
    {
        LogEntry[] entries;
        Action<LogEntry>[] handlers;
        lock (_gate)
        {
            entries = [.. _delayed];
            _delayed.Clear();
            handlers = [.. _handlers];
        }

        foreach (var entry in entries)
        {
            foreach (var handler in handlers)
            {
                handler(entry);
            }
        }
    }

    /// <summary>Lets the channel carry the newest events once more.</summary>
    public void Repeat(int count)
    {
        lock (_gate)
        {
            _log.TakeLast(count).ToList().ForEach(_delayed.Enqueue);
        }

        Carry();
    }

    public void Trim(int keep)
    {
        lock (_gate)
        {
            if (_log.Count > keep)
            {
                _data.RemoveRange(0, _log.Count - keep);
                _log.RemoveRange(0, _log.Count - keep);
                Epochs[^1] = (_epoch, _last - keep);
            }
        }
    }

    public void Flush()
    {
        lock (_gate)
        {
            _log.Clear();
            _data.Clear();
            Newest = null;
            _last = 0;
            _publishedAt = 0;
            _epoch = default;
        }
    }

    /// <summary>Loses the newest events and their offsets, as a failover to a replica that had not got them.</summary>
    public void GoBack(int count)
    {
        lock (_gate)
        {
            // One stays: a log that lost everything is gone.
            count = Math.Min(count, _log.Count - 1);
            if (count <= 0)
            {
                return;
            }

            _log.RemoveRange(_log.Count - count, count);
            _data.RemoveRange(_data.Count - count, count);
            Newest = _data[^1];
            _last -= count;
            _publishedAt = _log[^1].PublishedAtMicroseconds;
        }
    }

    public Task<AppendResult> AppendAsync(string topic, ReadOnlyMemory<byte> block, string? idempotencyKey, string? key = null) => throw new NotSupportedException();

    public async Task<LogEnd> GetEndAsync(string topic)
    {
        await Task.Yield();
        lock (_gate)
        {
            return End;
        }
    }

    public async Task<LogPage> ReadAsync(string topic, long after, int maxEvents, int maxBytes)
    {
        await Task.Yield();
        if (maxEvents == 0)
        {
            LogPage range;
            lock (_gate)
            {
                range = new LogPage(_last - _log.Count + 1, End, []);
            }

            await BeforeRange();
            return range;
        }

        if (Interlocked.Decrement(ref _failures) >= 0)
        {
            throw new RedisTimeoutException("No answer, as the test wants it.", CommandStatus.Sent);
        }

        LogPage page;
        lock (_gate)
        {
            var first = _last - _log.Count + 1;
            page = new LogPage(first, End, [.. _log.Where(entry => entry.Position.Offset > after).Take(Math.Min(maxPage, maxEvents))]);
        }

        Interlocked.Increment(ref _reads);
        await Task.Yield();
        AfterRead();
        return page;
    }

    public Task<long> CountSubscribedReplicasAsync(string topic) => throw new NotSupportedException();

    public Task<Epoch?> DeleteAsync(string topic)
    {
        var epoch = _epoch;
        Flush();
        return Task.FromResult<Epoch?>(epoch);
    }

    public Task<ErasedEvents> EraseAsync(string topic, string key) => throw new NotSupportedException();

    public Task MarkArchivedAsync(string topic, Position archived, bool dropEvents) => throw new NotSupportedException();

    public Task<long> CountUnarchivedAsync(string topic) => throw new NotSupportedException();

    public Task FenceAsync(string topic, Epoch epoch)
    {
        lock (_gate)
        {
            if (epoch == _epoch)
            {
                Flush();
            }
        }

        return Task.CompletedTask;
    }

    public Task<IAsyncDisposable> SubscribeAsync(string topic, Action<LogEntry> onEvent)
    {
        lock (_gate)
        {
            _handlers.Add(onEvent);
        }

        return Task.FromResult<IAsyncDisposable>(new Subscription(() =>
        {
            BeforeUnsubscribe();
            lock (_gate)
            {
                _handlers.Remove(onEvent);
            }
        }));
    }

    private sealed class Subscription(Action dispose) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            dispose();
            return ValueTask.CompletedTask;
        }
    }
}
