using System.Text;
using SseApp.Events.Log;

namespace SseApp.Tests.Infrastructure;

/// <summary>
/// A topic log of one topic in memory whose channel does what a test says: carries a message at once, later, or never.
/// </summary>
internal sealed class ScriptedTopicLog(int maxPage) : ITopicLog
{
    private readonly Lock _gate = new();
    private readonly List<LogEntry> _log = [];
    private readonly Queue<LogEntry> _delayed = new();
    private readonly List<Action<LogEntry>> _handlers = [];
    private Epoch _epoch;
    private long _last;
    private int _reads;

    public event EventHandler? Restored
    {
        add { }
        remove { }
    }

    /// <summary>Every event that was ever published, also of logs that are gone.</summary>
    public Dictionary<(Epoch Epoch, long Offset), string> Published { get; } = [];

    /// <summary>The epochs in their order, each with the highest offset that was trimmed away.</summary>
    public List<(Epoch Epoch, long Trimmed)> Epochs { get; } = [];

    public int Reads => Volatile.Read(ref _reads);

    public Position End => new(_epoch, _last);

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
            var entry = LogEntry.Parse(Encoding.UTF8.GetBytes($"1 {_epoch} {_last} 1\ndata: {data}\n\n"))!;
            _log.Add(entry);
            Published.Add((_epoch, _last), data);
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

    public void Trim(int keep)
    {
        lock (_gate)
        {
            if (_log.Count > keep)
            {
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
            _last = 0;
            _epoch = default;
        }
    }

    /// <summary>Loses the newest events and their offsets, as a failover to a replica that had not got them.</summary>
    public void GoBack(int count)
    {
        lock (_gate)
        {
            count = Math.Min(count, _log.Count);
            for (var i = 0; i < count; i++)
            {
                Published.Remove((_epoch, _last - i));
            }

            _log.RemoveRange(_log.Count - count, count);
            _last -= count;
        }
    }

    public Task<AppendResult> AppendAsync(string topic, ReadOnlyMemory<byte> block, string? idempotencyKey, string? key = null) => throw new NotSupportedException();

    public async Task<LogRange> GetRangeAsync(string topic)
    {
        await Task.Yield();
        lock (_gate)
        {
            return new LogRange(_epoch, _last - _log.Count + 1, _last);
        }
    }

    public async Task<Position> GetEndAsync(string topic)
    {
        await Task.Yield();
        lock (_gate)
        {
            return End;
        }
    }

    public async Task<LogPage> ReadAsync(string topic, long after, int maxEvents, int maxBytes)
    {
        Interlocked.Increment(ref _reads);
        await Task.Yield();
        LogPage page;
        lock (_gate)
        {
            var first = _last - _log.Count + 1;
            page = new LogPage(_epoch, first, _last, [.. _log.Where(entry => entry.Position.Offset > after).Take(Math.Min(maxPage, maxEvents))]);
        }

        await Task.Yield();
        return page;
    }

    public Task<long> CountSubscribedReplicasAsync(string topic) => throw new NotSupportedException();

    public Task<bool> DeleteAsync(string topic)
    {
        Flush();
        return Task.FromResult(true);
    }

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

    public Task<ITopicSubscription> SubscribeAsync(string topic, Action<LogEntry> onEvent)
    {
        lock (_gate)
        {
            _handlers.Add(onEvent);
        }

        return Task.FromResult<ITopicSubscription>(new Subscription(() =>
        {
            lock (_gate)
            {
                _handlers.Remove(onEvent);
            }
        }));
    }

    private sealed class Subscription(Action dispose) : ITopicSubscription
    {
        public ValueTask DisposeAsync()
        {
            dispose();
            return ValueTask.CompletedTask;
        }
    }
}
