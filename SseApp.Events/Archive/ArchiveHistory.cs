using SseApp.Events.Log;

namespace SseApp.Events.Archive;

/// <summary>
/// The past of a topic behind its log in Redis: the same epochs and offsets, so that readers go on from the one to the other
/// without knowing it.
/// </summary>
internal sealed class ArchiveHistory(IEventArchive archive, ArchivePages pages, IOptions<ArchiveOptions> options)
{
    /// <summary>Whether events of the topic are archived now. What was archived under other settings is read all the same, while it lasts.</summary>
    public bool Covers(string topic) => options.Value.RetentionOf(topic) is not null;

    /// <summary>
    /// Events of a log before what Redis holds, from behind one offset to before another one at most. What is in neither is a gap.
    /// </summary>
    /// <param name="log">The topic and the epoch.</param>
    /// <param name="after">0 or more.</param>
    /// <param name="before">The first offset that Redis holds.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>At least one entry, if there is an offset between the two.</returns>
    /// <exception cref="ArchiveUnavailableException">The archive cannot be read.</exception>
    public async Task<LogEntry[]> ReadAsync(ArchivedLog log, long after, long before, CancellationToken cancellationToken)
    {
        if (after >= before - 1)
        {
            return [];
        }

        var found = (await pages.GetAsync(log, after, cancellationToken)).Between(after, before);
        if (!found.IsEmpty)
        {
            return LogEntries.Take(log.Topic, found, after, int.MaxValue);
        }

        // The page may begin with a gap that reaches to what Redis holds, or beyond it.
        return [StreamGap.Create(log.Topic, GapReason.Expired, after + 1, before - 1, new Position(log.Epoch, before - 1))];
    }

    /// <summary>Events of an epoch that is over.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="isWanted">Whether the position that they follow may be of this epoch.</param>
    /// <param name="current">The epoch of the log as it is now; the default if there is none.</param>
    /// <param name="after">The position's offset.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArchiveUnavailableException">The archive cannot be read.</exception>
    public async Task<EarlierEvents> ReadEarlierAsync(string topic, Func<Epoch, bool> isWanted, Epoch current, long after, CancellationToken cancellationToken)
    {
        var epochs = await pages.GetEpochsAsync(topic, cancellationToken);
        var index = Array.FindLastIndex(epochs, epoch => epoch.Epoch != current && isWanted(epoch.Epoch));
        var own = Array.Find(epochs, epoch => epoch.Epoch == current);
        Position? next = own is null ? null : new Position(current, own.First - 1);
        if (index < 0)
        {
            return new EarlierEvents(default, [], next);
        }

        if (index + 1 < epochs.Length && epochs[index + 1] is var following && following.Epoch != current)
        {
            next = new Position(following.Epoch, following.First - 1);
        }

        var found = epochs[index];
        var page = after < found.Last ? await pages.GetAsync(new ArchivedLog(topic, found.Epoch), after, cancellationToken) : null;
        return new EarlierEvents(found.Epoch, page is null ? [] : LogEntries.Take(topic, page.Between(after, long.MaxValue), after, int.MaxValue), next);
    }

    /// <summary>The topic's epochs that have archived events, the oldest first.</summary>
    public Task<ArchivedEpoch[]> GetEpochsAsync(string topic, CancellationToken cancellationToken) => pages.GetEpochsAsync(topic, cancellationToken);

    /// <summary>The first event published at or after a moment; null if it is not archived, or not yet.</summary>
    public Task<Position?> FindAsync(string topic, DateTimeOffset from, CancellationToken cancellationToken) => archive.FindAsync(topic, from, cancellationToken);
}

/// <summary>What is left of an epoch that is over.</summary>
/// <param name="Epoch">The default when nothing of it is archived.</param>
/// <param name="Entries">What follows the position; none at its end.</param>
/// <param name="Next">Where a reader goes on at its end: another epoch that is over, or the archive of the log as it is now; null: there is none of it.</param>
internal sealed record EarlierEvents(Epoch Epoch, LogEntry[] Entries, Position? Next);
