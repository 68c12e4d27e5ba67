using SseApp.Events.Log;

namespace SseApp.Events.Archive;

/// <summary>
/// The database behind the logs: each event once, by topic, epoch and offset, for as long as its topic's retention says. It has
/// no numbering of its own. What it promises is in the contract suite of the tests, which every provider passes.
/// </summary>
internal interface IEventArchive
{
    /// <summary>Makes or updates what it needs in the database; several processes may do so at once, and again.</summary>
    /// <exception cref="ArchiveUnavailableException">The database cannot be reached, or refuses; so does every other method.</exception>
    Task PrepareAsync(CancellationToken cancellationToken);

    /// <summary>Takes the shard over from whoever wrote it: what they still send is refused.</summary>
    /// <returns>The fencing number that goes along with each <see cref="ArchiveBatch"/>; larger than all before it.</returns>
    Task<long> ClaimAsync(int shard, CancellationToken cancellationToken);

    /// <summary>Where the archives of these logs end, as the primary has it, in the order of the question.</summary>
    Task<ArchiveEnd[]> GetEndsAsync(IReadOnlyList<ArchivedLog> logs, CancellationToken cancellationToken);

    /// <summary>Writes all of the batch in one transaction; when this returns, it is stored.</summary>
    /// <exception cref="ArchiveConflictException">
    /// The shard was taken over, or a log does not end where the batch says: another writer was here, the topic was deleted, or the
    /// database lost its newest rows. Nothing was written; the ends are to be read again.
    /// </exception>
    Task WriteAsync(ArchiveBatch batch, CancellationToken cancellationToken);

    /// <summary>Reads events behind an offset, in their order. What is missing between them was never archived, or has expired.</summary>
    /// <param name="log">The topic and the epoch.</param>
    /// <param name="after">0 or more.</param>
    /// <param name="maxEvents">Most events.</param>
    /// <param name="maxBytes">Most bytes of blocks; one event is read whatever its size.</param>
    /// <param name="newest">
    /// True to ask the primary: a standby may lack the newest events. A provider without standbys ignores it.
    /// </param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<ArchivePage> ReadAsync(ArchivedLog log, long after, int maxEvents, int maxBytes, bool newest, CancellationToken cancellationToken);

    /// <summary>The topic's epochs that have events, the oldest first.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="newest">See <see cref="ReadAsync"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<ArchivedEpoch[]> GetEpochsAsync(string topic, bool newest, CancellationToken cancellationToken);

    /// <summary>The first event, in the order of epochs and offsets, of those published at or after a moment; null if there is none.</summary>
    Task<Position?> FindAsync(string topic, DateTimeOffset from, CancellationToken cancellationToken);

    /// <summary>Deletes the topic's events for good, and keeps this epoch from being archived: an archiver may be about to write it.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="current">The epoch of the log that was dropped; the default if there was none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False when there was nothing.</returns>
    Task<bool> DeleteAsync(string topic, Epoch current, CancellationToken cancellationToken);

    /// <summary>
    /// Takes data and key of the topic's events with this key, and leaves tombstones, see <see cref="LogEntry.IsTombstone"/>. What an
    /// archiver is about to write up to <paramref name="through"/> becomes tombstones, too.
    /// </summary>
    /// <returns>How many events were erased now.</returns>
    Task<long> EraseAsync(string topic, string key, Position through, CancellationToken cancellationToken);

    /// <summary>Drops what is past its retention, and what nothing needs any more.</summary>
    Task ExpireAsync(DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Gives a sign that a cluster writes here.</summary>
    /// <returns>The names of the others that ever did, and the number of their signs.</returns>
    Task<IReadOnlyDictionary<string, long>> MeetAsync(string cluster, CancellationToken cancellationToken);

    /// <summary>Asks the primary whether it can write.</summary>
    Task CheckAsync(CancellationToken cancellationToken);
}

/// <summary>One life of a topic's log.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ArchivedLog(string Topic, Epoch Epoch);

/// <summary>Where the archive of a log ends.</summary>
/// <param name="Offset">Its last event; 0 when it has none.</param>
/// <param name="PublishedAtMicroseconds">When that was published; 0 when it is not known.</param>
/// <param name="IsDeleted">The topic was deleted in this epoch: nothing of it is archived any more.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ArchiveEnd(long Offset, long PublishedAtMicroseconds, bool IsDeleted);

/// <summary>What one transaction writes.</summary>
/// <param name="Shard">The shard of all its topics.</param>
/// <param name="Fence">Of <see cref="IEventArchive.ClaimAsync"/>.</param>
/// <param name="Runs">One a log.</param>
internal sealed record ArchiveBatch(int Shard, long Fence, IReadOnlyList<ArchiveRun> Runs);

/// <summary>Events of one log.</summary>
/// <param name="Log">Whose they are.</param>
/// <param name="After">Where its archive ends.</param>
/// <param name="Retention">How long they are kept, from when they were published.</param>
/// <param name="Entries">In their order and without gaps; the first one is behind <paramref name="After"/>, and not the next one if events were lost.</param>
internal sealed record ArchiveRun(ArchivedLog Log, long After, TimeSpan Retention, IReadOnlyList<LogEntry> Entries);

/// <summary>A part of an archived log.</summary>
/// <param name="Events">In their order. A tombstone has an empty block.</param>
/// <param name="First">The oldest offset that is archived; may be left out (0) when <paramref name="Events"/> begins right behind the offset that was asked for.</param>
internal sealed record ArchivePage(IReadOnlyList<ArchivedEvent> Events, long First);

/// <summary>An event as it is archived.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ArchivedEvent(long Offset, long PublishedAtMicroseconds, string? Key, byte[] Block);

/// <summary>One of the epochs of a topic.</summary>
/// <param name="Epoch">Which.</param>
/// <param name="First">The oldest offset that is archived.</param>
/// <param name="Last">The newest one.</param>
/// <param name="FirstPublishedAt">When the oldest one was published.</param>
/// <param name="LastPublishedAt">When the newest one was published.</param>
internal sealed record ArchivedEpoch(Epoch Epoch, long First, long Last, DateTimeOffset FirstPublishedAt, DateTimeOffset LastPublishedAt);

/// <summary>The database cannot be reached, does not answer in time, or refuses; another try may succeed.</summary>
internal sealed class ArchiveUnavailableException : Exception
{
    public ArchiveUnavailableException()
    {
    }

    public ArchiveUnavailableException(string message)
        : base(message)
    {
    }

    public ArchiveUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The database has no room: an operator has to act.</summary>
    public bool IsFull { get; init; }

    /// <summary>Whoever asked waits no longer.</summary>
    public static ArchiveUnavailableException Silent(TimeoutException exception) => new("The archive does not answer.", exception);
}

/// <summary>The archive is not as the writer thought.</summary>
internal sealed class ArchiveConflictException : Exception
{
    public ArchiveConflictException()
    {
    }

    public ArchiveConflictException(string message)
        : base(message)
    {
    }

    public ArchiveConflictException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The shard is another writer's.</summary>
    public bool IsFenced { get; init; }
}
