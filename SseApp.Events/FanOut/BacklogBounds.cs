using SseApp.Events.Diagnostics;
using SseApp.Events.Log;

namespace SseApp.Events.FanOut;

/// <summary>How much may wait for one client, and for how long. What happens to more is up to its topic's policy.</summary>
/// <param name="options">The number of bytes.</param>
/// <param name="metrics">Count the clients that do not keep up.</param>
/// <param name="maxAge">In time stamps.</param>
internal sealed class BacklogBounds(StreamingOptions options, EventsMetrics metrics, long maxAge)
{
    private readonly int _maxBytes = options.MaxBacklogBytes;

    public long MaxAge { get; } = maxAge;

    /// <returns>False when nothing is left to drop or to conflate: the stream has to end.</returns>
    public bool TryEnqueue(Backlog backlog, LogEntry entry, int slot, OverflowPolicy policy, long now)
    {
        if (policy == OverflowPolicy.Conflate && entry.Key is not null)
        {
            if (backlog.EnqueueNewest(entry, slot, now))
            {
                CountOverflow(backlog, policy);
            }
        }
        else
        {
            backlog.Enqueue(entry, slot, now);
        }

        if (backlog.Bytes > _maxBytes && policy == OverflowPolicy.DropOldest)
        {
            // An eighth more than needed, so that not every event has to look for what it replaces.
            backlog.DropOldest(slot, _maxBytes - (_maxBytes / 8));
            CountOverflow(backlog, policy);
        }

        return backlog.Bytes <= _maxBytes;
    }

    /// <summary>Drops what has waited for too long.</summary>
    /// <returns>False when a topic's policy does not allow that: the stream has to end, and its client reads the log when it reconnects.</returns>
    public bool TryExpire(Backlog backlog, TopicMembers[] memberships, long now)
    {
        var moment = now - MaxAge;
        while (backlog.TryPeekOldest(out var slot, out var since) && since <= moment)
        {
            if (memberships[slot].Overflow is not OverflowPolicy.DropOldest)
            {
                return false;
            }

            backlog.DropSince(slot, moment);
            CountOverflow(backlog, OverflowPolicy.DropOldest);
        }

        return true;
    }

    private void CountOverflow(Backlog backlog, OverflowPolicy policy)
    {
        if (!backlog.Overflowed)
        {
            backlog.Overflowed = true;
            metrics.SlowConsumer(policy);
        }
    }
}
