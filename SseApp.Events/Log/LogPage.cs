namespace SseApp.Events.Log;

/// <summary>
/// A part of a topic's log and what the log held at the moment of reading. For a topic without a log the end is the
/// default and First is 1.
/// </summary>
/// <param name="First">The oldest offset that the log holds; Last + 1 when it holds none.</param>
/// <param name="End">The newest event that was ever published in this epoch.</param>
/// <param name="Entries">Contiguous, from the first offset that was asked for and is still there.</param>
internal sealed record LogPage(long First, LogEnd End, LogEntry[] Entries)
{
    public Epoch Epoch => End.Position.Epoch;

    public long Last => End.Position.Offset;
}

/// <summary>What an erasure did.</summary>
/// <param name="End">The newest event when it began; the default for a topic without a log.</param>
/// <param name="Count">Events erased.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ErasedEvents(Position End, long Count);

/// <summary>A log's newest event. A server that lost events gives their offsets to others: the time tells them apart.</summary>
/// <param name="Position">Where it is; the default for a topic without a log.</param>
/// <param name="PublishedAtMicroseconds">See <see cref="LogEntry.PublishedAtMicroseconds"/>; 0 when it is not known.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LogEnd(Position Position, long PublishedAtMicroseconds)
{
    /// <summary>False only if both are known and differ.</summary>
    public static bool AreSame(long publishedAt, long other) => publishedAt == other || publishedAt == 0 || other == 0;

    /// <summary>Whether both may be the same event.</summary>
    public bool IsSameAs(LogEnd other) => Position == other.Position && AreSame(PublishedAtMicroseconds, other.PublishedAtMicroseconds);
}
