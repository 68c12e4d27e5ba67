using SseApp.Events.Diagnostics;

namespace SseApp.Events.FanOut;

/// <summary>
/// How many events wait for a shard. The Redis client reads as fast as it can and has no way to be slowed down, so without
/// this the queue would grow without bound.
/// </summary>
internal sealed class QueueRoom(int limit, EventsMetrics metrics)
{
    private int _events;
    private TaskCompletionSource? _waiting;

    public int Events => Volatile.Read(ref _events);

    public void Take() => Interlocked.Increment(ref _events);

    public void Release(int count)
    {
        if (count > 0)
        {
            Interlocked.Add(ref _events, -count);
            Announce();
        }
    }

    /// <summary>Whether so many events wait that live ones must not be added.</summary>
    public bool IsFull()
    {
        if (Events < limit)
        {
            return false;
        }

        metrics.Deferred();
        return true;
    }

    /// <summary>Completes when fewer events wait than may.</summary>
    public Task WaitAsync()
    {
        if (Events < limit)
        {
            return Task.CompletedTask;
        }

        var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting = Interlocked.CompareExchange(ref _waiting, waiting, null) ?? waiting;
        // The loop may have looked for it just before.
        Announce();
        return waiting.Task;
    }

    private void Announce()
    {
        if (Volatile.Read(ref _waiting) is not null && Events < limit)
        {
            Interlocked.Exchange(ref _waiting, null)?.TrySetResult();
        }
    }
}
