namespace SseApp.Events.Log;

/// <summary>
/// A part of a topic's log and what the log held at the moment of reading. <paramref name="Epoch"/> is the default and
/// both offsets are 1 and 0 for a topic without a log.
/// </summary>
/// <param name="Epoch">The log's epoch.</param>
/// <param name="First">The oldest offset that the log holds; Last + 1 when it holds none.</param>
/// <param name="Last">The offset of the newest event that was ever published in this epoch.</param>
/// <param name="Entries">Contiguous, from the first offset that was asked for and is still there.</param>
internal sealed record LogPage(Epoch Epoch, long First, long Last, LogEntry[] Entries);
