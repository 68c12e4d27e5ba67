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
