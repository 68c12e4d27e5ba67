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
    /// <param name="askedAt">When somebody asked (<see cref="Now"/>): that there is nothing more must be known since.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArchiveUnavailableException">The archive cannot be read.</exception>
    public async Task<EarlierEvents> ReadEarlierAsync(string topic, Func<Epoch, bool> isWanted, Epoch current, long after, long askedAt, CancellationToken cancellationToken)
    {
        var earlier = await FindEarlierAsync(topic, isWanted, current, after, since: null, cancellationToken);
        // A gap cannot be taken back, so the primary has the last word.
        return earlier.Entries.Length > 0 ? earlier : await FindEarlierAsync(topic, isWanted, current, after, askedAt, cancellationToken);
    }

    /// <summary>This moment, as whoever asks for earlier events names it.</summary>
    public long Now => pages.Now;

    /// <summary>The topic's epochs that have archived events, the oldest first; the newest ones may be missing that are a second old, or that a standby lacks.</summary>
    public Task<ArchivedEpoch[]> GetEpochsAsync(string topic, CancellationToken cancellationToken) => pages.GetEpochsAsync(topic, since: null, cancellationToken);

    /// <summary>The oldest of the epochs; null when nothing is archived.</summary>
    public async Task<ArchivedEpoch?> FindOldestAsync(string topic, CancellationToken cancellationToken)
    {
        // To a standby that lags the topic may be unknown.
        var epochs = await GetEpochsAsync(topic, cancellationToken) is { Length: > 0 } known ? known : await pages.GetEpochsAsync(topic, pages.Recently, cancellationToken);
        return epochs is [var oldest, ..] ? oldest : null;
    }

    /// <summary>The first event published at or after a moment; null if it is not archived, or not yet.</summary>
    public Task<Position?> FindAsync(string topic, DateTimeOffset from, CancellationToken cancellationToken) => archive.FindAsync(topic, from, cancellationToken);

    private async Task<EarlierEvents> FindEarlierAsync(string topic, Func<Epoch, bool> isWanted, Epoch current, long after, long? since, CancellationToken cancellationToken)
    {
        var epochs = await pages.GetEpochsAsync(topic, since, cancellationToken);
        var index = Array.FindLastIndex(epochs, epoch => epoch.Epoch != current && isWanted(epoch.Epoch));
        if (index < 0)
        {
            return new EarlierEvents(default, [], current);
        }

        var next = index + 1 < epochs.Length ? epochs[index + 1].Epoch : current;
        var found = epochs[index];
        var page = after < found.Last ? await pages.GetAsync(new ArchivedLog(topic, found.Epoch), after, cancellationToken) : null;
        return new EarlierEvents(found.Epoch, page is null ? [] : LogEntries.Take(topic, page.Between(after, long.MaxValue), after, int.MaxValue), next);
    }
}

/// <summary>What is left of an epoch that is over.</summary>
/// <param name="Epoch">The default when nothing of it is archived.</param>
/// <param name="Entries">What follows the position; none at its end.</param>
/// <param name="Next">In which one a reader goes on at its end: another one that is over, or the log's as it was when it was asked.</param>
internal sealed record EarlierEvents(Epoch Epoch, LogEntry[] Entries, Epoch Next);
