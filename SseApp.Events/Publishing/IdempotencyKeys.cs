using SseApp.Events.Diagnostics;
using SseApp.Events.Log;

namespace SseApp.Events.Publishing;

/// <summary>
/// Whose an idempotency key is, and how many each client has. A key belongs to its topic and to the client that used it: nobody's event
/// is answered with somebody else's. The keys lie in Redis with their topics, in slots of their own; they are counted in the process, so that a
/// publish needs no other command. With several replicas a client has up to as many times the limit.
/// </summary>
internal sealed class IdempotencyKeys(IOptions<TopicLogOptions> options, TimeProvider time, EventsMetrics metrics)
{
    // A key counts for its window and up to an eighth of it longer.
    private const int Parts = 8;

    private readonly int _limit = options.Value.MaxIdempotencyKeys;
    private readonly TimeSpan _window = options.Value.IdempotencyWindow;
    private readonly long _start = time.GetTimestamp();
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Used> _clients = new(StringComparer.Ordinal);
    private long _swept;

    public TimeSpan RetryAfter => _window / Parts;

    public string Rule =>
        $"This client has used {_limit} idempotency keys in the last {_window:c} (TopicLog:MaxIdempotencyKeys), and nothing was stored. "
        + "Publish it again after the time in Retry-After, or without a key.";

    /// <summary>The key as it is stored; neither part has a space.</summary>
    public static string Scope(string client, string key) => $"{client} {key}";

    /// <summary>Takes room for keys; <see cref="CountAsync"/> gives back what turns out not to be new.</summary>
    public bool TryTake(string client, int count)
    {
        if (_limit == 0)
        {
            return true;
        }

        lock (_gate)
        {
            var part = Part;
            Sweep(part);
            var used = _clients.GetValueOrDefault(client);
            if ((used?.CountAt(part) ?? 0) + count <= _limit)
            {
                (used ?? (_clients[client] = new Used())).Add(part, count);
                return true;
            }
        }

        metrics.PublishRefused(PublishRefusal.IdempotencyKeys);
        return false;
    }

    /// <summary>A key that was known already, or was not stored, is none more.</summary>
    public async Task<AppendResult> CountAsync(string client, Task<AppendResult> publishing)
    {
        var taken = Part;
        try
        {
            var result = await publishing;
            if (result.Repeated)
            {
                GiveBack(client, taken);
            }

            return result;
        }
        catch (Exception exception) when (RedisErrors.IsFull(exception) || (RedisErrors.IsUnavailable(exception) && PublishErrors.Outcome(exception) == PublishOutcome.NotStored))
        {
            GiveBack(client, taken);
            throw;
        }
    }

    private long Part => time.GetElapsedTime(_start).Ticks / Math.Max(_window.Ticks / Parts, 1);

    private void GiveBack(string client, long part)
    {
        lock (_gate)
        {
            _clients.GetValueOrDefault(client)?.Add(part, -1);
        }
    }

    private void Sweep(long part)
    {
        if (part == _swept)
        {
            return;
        }

        _swept = part;
        foreach (var (client, used) in _clients)
        {
            if (used.CountAt(part) == 0)
            {
                _clients.Remove(client);
            }
        }
    }

    private sealed class Used
    {
        private readonly int[] _counts = new int[Parts + 1];
        private long _newest;

        public int CountAt(long part)
        {
            Advance(part);
            return _counts.Sum();
        }

        public void Add(long part, int count)
        {
            Advance(part);
            if (part > _newest - _counts.Length)
            {
                ref var counted = ref _counts[part % _counts.Length];
                counted = Math.Max(counted + count, 0);
            }
        }

        private void Advance(long part)
        {
            if (part - _newest >= _counts.Length)
            {
                Array.Clear(_counts);
                _newest = part;
            }

            while (_newest < part)
            {
                _counts[++_newest % _counts.Length] = 0;
            }
        }
    }
}
