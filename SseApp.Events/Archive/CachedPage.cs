using SseApp.Events.Log;

namespace SseApp.Events.Archive;

/// <summary>A part of an archived log as clients get it: everything between two offsets, a gap in the place of what is missing.</summary>
/// <param name="After">It begins behind this offset.</param>
/// <param name="Entries">In their order, each following the one before it; empty when the archive has nothing there.</param>
/// <param name="IsFull">It ends because it is as large as a page may be: what is in it does not change, but for erasures.</param>
internal sealed record CachedPage(long After, LogEntry[] Entries, bool IsFull)
{
    /// <summary>The last offset that it says something about.</summary>
    public long Last => Entries is [.., var last] ? last.Position.Offset : After;

    public long Bytes { get; } = 200 + Entries.Sum(entry => (long)entry.Size);

    /// <summary>The entries behind an offset that lies in the page, and before another one.</summary>
    public ReadOnlySpan<LogEntry> Between(long after, long before)
    {
        var start = LogEntries.CountThrough(Entries, after);
        return Entries.AsSpan(start..Math.Max(start, LogEntries.CountThrough(Entries, before - 1)));
    }
}
