using SseApp.Events.Diagnostics;
using SseApp.Events.Log;

namespace SseApp.Events.FanOut;

/// <summary>What a shard counts by itself and reports once a round, because all threads share the metrics.</summary>
internal sealed class DeliveryCounts(EventsMetrics metrics, BacklogPool backlogs)
{
    private int _delivered;
    private int _replayed;
    private long _reportedBacklog;

    /// <param name="entries">Events, and perhaps gaps.</param>
    /// <param name="hasGap">False when they need not be looked at one by one.</param>
    public void Delivered(ReadOnlySpan<LogEntry> entries, bool hasGap)
    {
        if (!hasGap)
        {
            _delivered += entries.Length;
            return;
        }

        foreach (var entry in entries)
        {
            Delivered(entry);
        }
    }

    public void Delivered(LogEntry entry)
    {
        if (entry.GapReason is null)
        {
            _delivered++;
        }
        else
        {
            metrics.Gap(entry.GapReason);
        }
    }

    public void Replayed(LogEntry entry) => _replayed += entry.GapReason is null && !entry.IsTombstone ? 1 : 0;

    public void Report()
    {
        if (_delivered > 0)
        {
            metrics.Delivered(_delivered);
            _delivered = 0;
        }

        if (_replayed > 0)
        {
            metrics.Replayed(_replayed);
            _replayed = 0;
        }

        if (backlogs.Bytes != _reportedBacklog)
        {
            metrics.AddBacklog(backlogs.Bytes - _reportedBacklog);
            _reportedBacklog = backlogs.Bytes;
        }
    }
}
