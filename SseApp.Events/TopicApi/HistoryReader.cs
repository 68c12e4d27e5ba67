using SseApp.Events.Archive;
using SseApp.Events.Log;

namespace SseApp.Events.TopicApi;

/// <summary>Reads a topic's history, wherever it is: the log in Redis, or the archive behind it.</summary>
internal sealed class HistoryReader(ITopicLog log, ArchiveHistory? archive = null)
{
    /// <summary>What there is of the topic: its log, from the oldest event that is left of it, and the epochs before it.</summary>
    /// <exception cref="ArchiveUnavailableException">The archive cannot be read.</exception>
    public async Task<HistoryRange> DescribeAsync(string topic, CancellationToken cancellationToken)
    {
        var page = await log.ReadAsync(topic, after: 0, maxEvents: 0, maxBytes: 0);
        if (archive?.Covers(topic) != true)
        {
            return new HistoryRange(page.Epoch, page.First, page.First, page.End, []);
        }

        var epochs = await archive.GetEpochsAsync(topic, cancellationToken);
        var own = Array.Find(epochs, epoch => epoch.Epoch == page.Epoch);
        return new HistoryRange(page.Epoch, own is null ? page.First : Math.Min(own.First, page.First), page.First, page.End, Array.FindAll(epochs, epoch => epoch.Epoch != page.Epoch));
    }

    /// <summary>Reads events of an epoch behind an offset. Gaps within it are entries; what is missing before the first one is left out.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="epoch">One that is over; null for the log as it is now.</param>
    /// <param name="after">0 or more.</param>
    /// <param name="maxEvents">Most entries.</param>
    /// <param name="maxBytes">Most bytes; one entry is read whatever its size.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArchiveUnavailableException">The archive cannot be read.</exception>
    public async Task<HistoryPart> ReadAsync(string topic, Epoch? epoch, long after, int maxEvents, int maxBytes, CancellationToken cancellationToken)
    {
        if (epoch is { } over)
        {
            var earlier = await archive!.ReadEarlierAsync(topic, other => other == over, default, after, archive.Now, cancellationToken);
            return Cut(topic, over, earlier.Entries, after, maxEvents, maxBytes);
        }

        var page = await log.ReadAsync(topic, after, maxEvents, maxBytes);
        if (page.First > after + 1 && archive?.Covers(topic) == true)
        {
            var archived = Cut(topic, page.Epoch, await archive.ReadAsync(new ArchivedLog(topic, page.Epoch), after, page.First, cancellationToken), after, maxEvents, maxBytes);
            if (archived.Entries.Length > 0)
            {
                return archived;
            }
        }

        // What comes next is in the log, whatever is missing before it.
        return new HistoryPart(page.Epoch, page.Entries);
    }

    /// <summary>What is missing of the log as it is now right behind an offset, although there are events before it; null: nothing.</summary>
    /// <exception cref="ArchiveUnavailableException">The archive cannot be read.</exception>
    public async Task<LogEntry?> FindGapAsync(string topic, HistoryRange range, long after, CancellationToken cancellationToken) =>
        archive is not null && range.First <= after && after < range.FirstInLog - 1
            && await archive.ReadAsync(new ArchivedLog(topic, range.Epoch), after, range.FirstInLog, cancellationToken) is [{ GapReason: not null } gap, ..] ? gap : null;

    private static HistoryPart Cut(string topic, Epoch epoch, ReadOnlySpan<LogEntry> entries, long after, int maxEvents, int maxBytes)
    {
        entries = entries is [{ GapReason: not null } gap, ..] && gap.After <= after && gap.Position.Offset > gap.After + 1 ? entries[1..] : entries;
        return new HistoryPart(epoch, LogEntries.Take(topic, entries[..Math.Min(entries.Length, maxEvents)], after, maxBytes));
    }
}

/// <summary>What there is of a topic.</summary>
/// <param name="Epoch">Of the log as it is now; the default when there is none.</param>
/// <param name="First">The oldest offset that can be read of it; behind the last one when there is none.</param>
/// <param name="FirstInLog">The oldest one that Redis holds; behind the last one when there is none.</param>
/// <param name="End">The newest event.</param>
/// <param name="Earlier">Epochs that are over and archived, the oldest first.</param>
internal sealed record HistoryRange(Epoch Epoch, long First, long FirstInLog, LogEnd End, ArchivedEpoch[] Earlier)
{
    /// <summary>Which of the earlier epochs an id is of; -1: none that is known.</summary>
    public int IndexOfEarlier(uint mark, int markBits) => Array.FindLastIndex(Earlier, epoch => epoch.Epoch.Mark(markBits) == mark);
}

/// <summary>A part of a topic's history.</summary>
internal sealed record HistoryPart(Epoch Epoch, LogEntry[] Entries);
