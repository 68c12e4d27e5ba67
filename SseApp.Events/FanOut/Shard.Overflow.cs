using SseApp.Events.Diagnostics;
using SseApp.Events.Log;

namespace SseApp.Events.FanOut;

/// <content>Events that have to wait, and what happens when there are too many of them.</content>
internal sealed partial class Shard
{
    /// <summary>Puts an event behind those that wait for the send under way, within the bounds of its overflow policy.</summary>
    private void Enqueue(StreamConnection connection, LogEntry entry, int slot)
    {
        var backlog = connection.Backlog ??= _spareBacklogs.TryPop(out var spare) ? spare : new Backlog(_backlog);
        var members = connection.Memberships[slot];
        var policy = members.Overflow ??= _options.OverflowOf(connection.Topics.Names[slot]);
        if (policy == OverflowPolicy.Conflate && entry.Key is not null)
        {
            if (backlog.EnqueueNewest(entry, slot, _now))
            {
                CountOverflow(backlog, policy);
            }
        }
        else
        {
            backlog.Enqueue(entry, slot, _now);
        }

        if (backlog.Bytes > _options.MaxBacklogBytes)
        {
            Overflow(connection, backlog, slot, policy);
        }
    }

    private void Overflow(StreamConnection connection, Backlog backlog, int slot, OverflowPolicy policy)
    {
        if (policy == OverflowPolicy.DropOldest)
        {
            // An eighth more than needed, so that not every event has to look for what it replaces.
            backlog.DropOldest(slot, _options.MaxBacklogBytes - (_options.MaxBacklogBytes / 8));
            CountOverflow(backlog, policy);
        }

        // Nothing to drop or to conflate is left.
        if (backlog.Bytes > _options.MaxBacklogBytes)
        {
            CloseSlow(connection, OverflowPolicy.Disconnect);
        }
    }

    /// <summary>What a topic's policy leaves for longer than allowed ends the stream: its client comes back and reads the log.</summary>
    private void EnforceAge(StreamConnection connection, Backlog backlog)
    {
        var moment = _now - _maxBacklogAge;
        while (backlog.TryPeekOldest(out var slot, out var since) && since <= moment)
        {
            var policy = connection.Memberships[slot].Overflow ?? OverflowPolicy.Disconnect;
            if (policy != OverflowPolicy.DropOldest)
            {
                CloseSlow(connection, OverflowPolicy.Disconnect);
                return;
            }

            backlog.DropSince(slot, moment);
            CountOverflow(backlog, policy);
        }
    }

    private void CountOverflow(Backlog backlog, OverflowPolicy policy)
    {
        if (!backlog.Overflowed)
        {
            backlog.Overflowed = true;
            _metrics.SlowConsumer(policy);
        }
    }

    private void DiscardBacklog(StreamConnection connection)
    {
        if (connection.Backlog is { } backlog)
        {
            connection.Backlog = null;
            backlog.Reset();
            if (_spareBacklogs.Count < MaxSpare && backlog.IsReusable)
            {
                _spareBacklogs.Push(backlog);
            }
        }
    }

    private void CloseSlow(StreamConnection connection, OverflowPolicy policy)
    {
        if (connection.Closing is null)
        {
            _metrics.SlowConsumer(policy);
            BeginClose(connection, CloseReason.SlowConsumer);
        }
    }
}
