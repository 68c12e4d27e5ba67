using SseApp.Events.Archive;

namespace SseApp.Tests.Events.Archive;

/// <summary>An archive as one archiver sees it: its connection fails, or its process hangs, when a test says so.</summary>
/// <param name="archive">The true one.</param>
/// <param name="committed">Gets all that is written.</param>
internal sealed class FaultyArchive(IEventArchive archive, ISet<Position> committed) : IEventArchive
{
    private TaskCompletionSource _hangs = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _goesOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What happens to the next call, or the next write.</summary>
    public Trouble Next { get; set; }

    /// <summary>The database cannot be reached until this is taken back.</summary>
    public bool IsCut { get; set; }

    /// <summary>The database refuses all writes until this is taken back.</summary>
    public bool IsFull { get; set; }

    /// <summary>Completes when the process hangs.</summary>
    public Task Hangs => _hangs.Task;

    /// <summary>The process that hangs goes on.</summary>
    public void GoOn() => _goesOn.TrySetResult();

    /// <summary>The process that hangs is killed.</summary>
    public void Kill() => _goesOn.TrySetCanceled();

    public async Task WriteAsync(ArchiveBatch batch, CancellationToken cancellationToken)
    {
        var trouble = Next;
        if (trouble == Trouble.HangsBeforeWrite)
        {
            await HangAsync();
        }

        Fail(IsFull ? Trouble.WriteFails : trouble, Trouble.WriteFails);
        await Reach().WriteAsync(batch, cancellationToken);
        committed.UnionWith(batch.Runs.SelectMany(run => run.Entries).Select(entry => entry.Position));
        if (trouble == Trouble.HangsAfterWrite)
        {
            await HangAsync();
        }

        Fail(trouble, Trouble.AnswerIsLost);
    }

    public Task PrepareAsync(CancellationToken cancellationToken) => Reach().PrepareAsync(cancellationToken);

    public Task<long> ClaimAsync(int shard, CancellationToken cancellationToken) => Reach().ClaimAsync(shard, cancellationToken);

    public Task<ArchiveEnd[]> GetEndsAsync(IReadOnlyList<ArchivedLog> logs, CancellationToken cancellationToken) => Reach().GetEndsAsync(logs, cancellationToken);

    public Task<ArchivePage> ReadAsync(ArchivedLog log, long after, int maxEvents, int maxBytes, bool newest, CancellationToken cancellationToken) =>
        Reach().ReadAsync(log, after, maxEvents, maxBytes, newest, cancellationToken);

    public Task<ArchivedEpoch[]> GetEpochsAsync(string topic, bool newest, CancellationToken cancellationToken) => Reach().GetEpochsAsync(topic, newest, cancellationToken);

    public Task<Position?> FindAsync(string topic, DateTimeOffset from, CancellationToken cancellationToken) => Reach().FindAsync(topic, from, cancellationToken);

    public Task<bool> DeleteAsync(string topic, Epoch current, CancellationToken cancellationToken) => Reach().DeleteAsync(topic, current, cancellationToken);

    public Task<long> EraseAsync(string topic, string key, Position through, CancellationToken cancellationToken) => Reach().EraseAsync(topic, key, through, cancellationToken);

    public Task ExpireAsync(DateTimeOffset now, CancellationToken cancellationToken) => Reach().ExpireAsync(now, cancellationToken);

    public Task<IReadOnlyDictionary<string, long>> MeetAsync(string cluster, CancellationToken cancellationToken) => Reach().MeetAsync(cluster, cancellationToken);

    public Task CheckAsync(CancellationToken cancellationToken) => Reach().CheckAsync(cancellationToken);

    private IEventArchive Reach()
    {
        Fail(IsCut ? Trouble.IsAway : Next, Trouble.IsAway);
        return archive;
    }

    private void Fail(Trouble trouble, Trouble when)
    {
        if (trouble == when)
        {
            Next = Trouble.None;
            throw new ArchiveUnavailableException("The database cannot be reached: the test says so.");
        }
    }

    private async Task HangAsync()
    {
        Next = Trouble.None;
        _goesOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _hangs.SetResult();
        try
        {
            await _goesOn.Task;
        }
        finally
        {
            _hangs = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}

/// <summary>What goes wrong in a round of an archiver.</summary>
internal enum Trouble
{
    None,

    /// <summary>The database does not answer its first question.</summary>
    IsAway,

    /// <summary>Nothing is written.</summary>
    WriteFails,

    /// <summary>The batch is committed, and the archiver gets an error.</summary>
    AnswerIsLost,

    /// <summary>The process hangs with a batch in its hands.</summary>
    HangsBeforeWrite,

    /// <summary>The process hangs when the batch is committed, and Redis has not been told.</summary>
    HangsAfterWrite,
}
