namespace SseApp.Events.Log;

/// <summary>Entries in their order: each follows the one before it, but a gap may stand for many offsets.</summary>
internal static class LogEntries
{
    /// <summary>How many of them end at or before an offset.</summary>
    public static int CountThrough(ReadOnlySpan<LogEntry> entries, long offset)
    {
        var (low, high) = (0, entries.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (entries[middle].Position.Offset <= offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>The first entries, as many as fit; the first one is taken whatever its size, and a gap is only of what the reader has not got.</summary>
    public static LogEntry[] Take(string topic, ReadOnlySpan<LogEntry> entries, long after, int maxBytes)
    {
        var count = 0;
        for (long bytes = 0; count < entries.Length && (count == 0 || bytes + entries[count].Size <= maxBytes); count++)
        {
            bytes += entries[count].Size;
        }

        var taken = entries[..count].ToArray();
        if (taken is [{ GapReason: { } reason } gap, ..] && gap.After < after)
        {
            taken[0] = StreamGap.Create(topic, reason, after + 1, gap.Position.Offset, gap.Position);
        }

        return taken;
    }
}
