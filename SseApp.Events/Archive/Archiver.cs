using SseApp.Events.Diagnostics;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Leases;

namespace SseApp.Events.Archive;

/// <summary>
/// Writes the logs of topics to the archive, from where the database says that it ends: it holds nothing that another one could not
/// begin with. Each shard of topics has one archiver at a time by a lease in Redis; the database's fencing number keeps one that was
/// frozen from writing after its lease went to another.
/// </summary>
internal sealed partial class Archiver(
    IEventArchive archive,
    ITopicLog log,
    ArchiveShards shards,
    RedisLeases leases,
    IReplicaRegistry registry,
    ArchiveMetrics metrics,
    IOptions<ArchiveOptions> options,
    IOptions<TopicLogOptions> logOptions,
    TimeProvider time,
    ILogger<Archiver> logger) : BackgroundService
{
    // Logs that are read at once.
    private const int Reads = 64;

    // The same while nothing waits, and how many events of each: Redis and the replica are busy with one for about 50 µs, and publishes wait
    // as long as all of them take.
    private const int PacedReads = 4;
    private const int PacedEvents = 128;
    // What is read is written when there are so many: it is not to grow old for the collector meanwhile.
    private const int PacedBatch = 1_000;
    private const int PacedShards = 2;
    // The share of a shard's turn over which its reads are spread.
    private const int PacedShare = 2;
    private const int PageEvents = 1_000;
    private const int MinPageEvents = 32;
    private const int PageBytes = 512 * 1024;
    private const int MinPageBytes = 64 * 1024;

    // Rounds of a shard between two times that it tells Redis what is archived, and the share of what a log keeps that is told before:
    // trimming may wait for so much, and a script for each topic and round costs Redis as much as the publishes did.
    private const int MarkRounds = 4;
    private const int MarkShare = 8;

    private static readonly TimeSpan s_leastPause = TimeSpan.FromMilliseconds(4);
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(10);
    // A replica that alone cannot reach the database for so long leaves its shards to those that can.
    private static readonly TimeSpan s_patience = 2 * s_lease;
    private static readonly TimeSpan s_renewal = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);
    // The most that it takes to archive what waits when the replica stops.
    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(3);
    // Between two questions for topics that fill up.
    private static readonly TimeSpan s_urgency = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_expiry = TimeSpan.FromMinutes(10);
    // Between two sweeps because of failures: each asks Redis for all its keys.
    private static readonly TimeSpan s_recovery = TimeSpan.FromSeconds(10);

    private static readonly Task<LogPage> s_nothing = Task.FromResult(new LogPage(1, default, []));

    private readonly string _owner = Guid.NewGuid().ToString("N");
    private readonly Dictionary<int, OwnedShard> _owned = [];
    private readonly ArchiveOptions _options = options.Value;
    // One shard after the other, not all at once: what is published meanwhile would wait for all of them.
    private readonly TimeSpan _round = options.Value.Interval / ArchiveShards.Count is var turn && turn < s_urgency ? turn : s_urgency;
    private bool _prepared;
    private bool _succeeded;
    private long _renewedAt;
    private long _unreachedSince;
    private long _sweptAt;
    private volatile bool _interrupted;
    private long _expiredAt;
    private long _askedAt;
    private string? _reported;
    private long _oldest;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await TakeLeaveAsync(cancellationToken);
        // The next one need not wait for the leases to end.
        foreach (var shard in _owned.Keys.ToArray())
        {
            await ReleaseAsync(shard);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        metrics.MaxLag = _options.MaxLag;
        metrics.LagSeconds = LagSeconds;
        while (!stoppingToken.IsCancellationRequested)
        {
            var delay = await RunOnceAsync(stoppingToken, all: false);
            await Task.Delay(delay, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// Archives what waits in its shards: the whole cluster may be stopping, and Redis may keep nothing on disk. Whether others stay is not asked: a
    /// registry knows only later that one of them is gone.
    /// </summary>
    private async Task TakeLeaveAsync(CancellationToken cancellationToken)
    {
        if (!_owned.Values.Any(static shard => shard.Fence is not null))
        {
            return;
        }

        using var limit = new CancellationTokenSource(s_farewell, time);
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        // What another one gave back that has just ended is its own now.
        _renewedAt = 0;
        var isBehind = true;
        try
        {
            // A round takes a batch of each shard. For one that failed to wait, as it would, there is no time.
            do
            {
                await RunOnceAsync(limited.Token).WaitAsync(limited.Token);
                isBehind = !_succeeded || _owned.Values.Any(static shard => shard.IsBehind);
            }
            while (isBehind && _succeeded && !limited.IsCancellationRequested);
        }
        catch (OperationCanceledException) when (limited.IsCancellationRequested)
        {
            // The time is over, which is said below.
        }

        if (isBehind)
        {
            LogLeftWaiting(_owned.Values.Sum(static shard => shard.Pending.Count));
        }
    }

    /// <summary>Age of the oldest event that it has to archive.</summary>
    internal double LagSeconds() => Interlocked.Read(ref _oldest) is > 0 and var oldest ? Math.Max(0, (time.GetUtcNow().UnixMicroseconds() - oldest) / 1e6) : 0;

    /// <summary>A round of what it does all the time, whatever goes wrong.</summary>
    /// <param name="stoppingToken">Ends it.</param>
    /// <param name="all">Looks at all shards, not only at those whose turn it is.</param>
    /// <returns>When the next one is due.</returns>
    internal async Task<TimeSpan> RunOnceAsync(CancellationToken stoppingToken, bool all = true)
    {
        var started = time.GetTimestamp();
        _succeeded = false;
        try
        {
            var isBehind = await RunAsync(all, stoppingToken);
            _succeeded = true;
            // Read once: a moment later it may be more than the round, and nobody can wait for less than nothing.
            var took = time.GetElapsedTime(started);
            return isBehind || took >= _round ? TimeSpan.Zero : _round - took;
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            return TimeSpan.Zero;
        }
        catch (ArchiveUnavailableException exception)
        {
            metrics.Failed();
            metrics.Down(exception.Message);
            Report(exception.Message);
            await MeasureAsync();
            // The database may come back as another one, such as a standby that lacks the newest rows.
            foreach (var shard in _owned.Values)
            {
                shard.Forget();
            }
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            // An outage of Redis is reported elsewhere. Leases may have ended meanwhile, which the fencing number finds out. Names of topics
            // that it handed over, and that did not arrive, are nowhere any more.
            _interrupted = true;
        }
#pragma warning disable CA1031 // Whatever went wrong, archiving goes on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            metrics.Failed();
            LogFailed(exception);
        }

        return s_retry;
    }

    /// <returns>True when there is more to do at once.</returns>
    private async Task<bool> RunAsync(bool all, CancellationToken cancellationToken)
    {
        // First: what waits for a database that is not there is counted by whoever would write it.
        await RenewAsync(cancellationToken);
        if (!_prepared)
        {
            await archive.PrepareAsync(cancellationToken);
            _prepared = true;
            // It may have come back with less than it had, and no command failed meanwhile.
            log.Restored += (_, _) => _interrupted = true;
        }

        foreach (var shard in _owned.Values.Where(static shard => shard.Fence is null))
        {
            shard.Fence = await archive.ClaimAsync(shard.Number, cancellationToken);
        }

        await SweepAsync(cancellationToken);
        await ExpireAsync(cancellationToken);
        await TakeUrgentAsync();
        var owned = _owned.Values.ToArray();
        var due = Array.FindAll(owned, shard => all || shard.IsDue);
        foreach (var shard in due)
        {
            // When several have become due there is no time for pauses: leases are renewed between rounds.
            shard.IsBehind = await RunAsync(shard, isPaced: due.Length <= PacedShards && !all && !shard.IsBehind, cancellationToken);
            shard.Rest(_options.Interval);
        }

        Measure();
        metrics.Up();
        Report(null);
        return Array.Exists(owned, static shard => shard.IsBehind);
    }

    /// <summary>Topics that fill up while their shard rests.</summary>
    private async Task TakeUrgentAsync()
    {
        if (_askedAt != 0 && time.GetElapsedTime(_askedAt) < s_urgency)
        {
            return;
        }

        _askedAt = time.GetTimestamp();
        var owned = _owned.Values.ToArray();
        var urgent = await Task.WhenAll(owned.Select(shard => shards.TakeAsync(shard.Number, isUrgent: true)));
        foreach (var (shard, topics) in owned.Zip(urgent))
        {
            shard.Pending.UnionWith(topics);
            shard.IsBehind |= topics.Length > 0;
        }
    }

    private async Task RenewAsync(CancellationToken cancellationToken)
    {
        if (_renewedAt != 0 && time.GetElapsedTime(_renewedAt) < s_renewal)
        {
            return;
        }

        var share = await ShareAsync(cancellationToken);
        foreach (var shard in _owned.Keys.ToArray())
        {
            if (_owned.Count > share)
            {
                _owned.Remove(shard);
                await leases.ReleaseAsync(ArchiveShards.LeaseOf(shard), _owner, cancellationToken);
            }
            else if (!await leases.TryAcquireAsync(ArchiveShards.LeaseOf(shard), _owner, s_lease, cancellationToken))
            {
                _owned.Remove(shard);
            }
        }

        // From another place in each replica, so that they do not want the same ones.
        var first = Random.Shared.Next(ArchiveShards.Count);
        for (var i = 0; i < ArchiveShards.Count && _owned.Count < share; i++)
        {
            var shard = (first + i) % ArchiveShards.Count;
            if (!_owned.ContainsKey(shard) && await leases.TryAcquireAsync(ArchiveShards.LeaseOf(shard), _owner, s_lease, cancellationToken))
            {
                _owned.Add(shard, new OwnedShard(shard, time, _options.Interval * shard / ArchiveShards.Count));
            }
        }

        metrics.Shards = _owned.Count;
        await CheckAsync(cancellationToken);
        _renewedAt = time.GetTimestamp();
    }

    /// <summary>How many shards are this replica's.</summary>
    private async Task<int> ShareAsync(CancellationToken cancellationToken)
    {
        // One that is draining still has what it took; it gives it back when it ends.
        var ready = (await registry.ReadAsync(cancellationToken)).Where(record => record.State == ReplicaState.Ready).ToArray();
        var writers = Math.Max(1, ready.Length);
        if (ready.Count(record => record.Archive is not { Reason: not null }) is > 0 and var able)
        {
            if (_unreachedSince == 0)
            {
                writers = able;
            }
            else if (time.GetElapsedTime(_unreachedSince) >= s_patience)
            {
                if (_owned.Count > 0)
                {
                    LogLeft(_owned.Count);
                }

                return 0;
            }
        }

        return (ArchiveShards.Count + writers - 1) / writers;
    }

    /// <summary>One that has nothing to write would not find out, and others would leave their shards to it.</summary>
    private async Task CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            await archive.CheckAsync(cancellationToken);
            _unreachedSince = 0;
        }
        catch (ArchiveUnavailableException)
        {
            _unreachedSince = _unreachedSince == 0 ? time.GetTimestamp() : _unreachedSince;
            throw;
        }
    }

    /// <summary>Compares topics with the archive: what a replica could not report when it crashed, and what the database lost.</summary>
    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        var interval = _interrupted && s_recovery < _options.SweepInterval ? s_recovery : _options.SweepInterval;
        var all = time.GetElapsedTime(_sweptAt) >= interval;
        if (!_owned.Values.Any(shard => shard.SweepWanted || all))
        {
            return;
        }

        _interrupted = false;
        await foreach (var topics in shards.ListAsync(cancellationToken))
        {
            foreach (var shard in topics.Where(topic => _options.RetentionOf(topic) is not null).Distinct(StringComparer.Ordinal).GroupBy(ArchiveShards.Of))
            {
                if (_owned.TryGetValue(shard.Key, out var owned))
                {
                    await CompareAsync(owned, [.. shard], cancellationToken);
                }
            }
        }

        foreach (var shard in _owned.Values)
        {
            shard.SweepWanted = false;
        }

        _sweptAt = time.GetTimestamp();
    }

    private async Task CompareAsync(OwnedShard shard, string[] topics, CancellationToken cancellationToken)
    {
        foreach (var (own, end, archived) in await LearnAsync(shard, topics, cancellationToken))
        {
            // A deleted log is gone from Redis: one that is there has come back.
            if (archived.IsDeleted || archived.Offset != end.Position.Offset)
            {
                shard.Pending.Add(own.Topic);
            }
            else
            {
                // The mark may be missing, or be of a database that had more. Of a topic that is idle Redis keeps the counter alone.
                var idle = time.GetUtcNow().UnixMicroseconds() - end.PublishedAtMicroseconds > logOptions.Value.RetentionOf(own.Topic).ListExpiry.TotalMicroseconds;
                await log.MarkArchivedAsync(own.Topic, end.Position, dropEvents: idle && end.PublishedAtMicroseconds > 0);
            }
        }
    }

    private async Task ExpireAsync(CancellationToken cancellationToken)
    {
        // One of the cluster is enough.
        if (_owned.ContainsKey(0) && (_expiredAt == 0 || time.GetElapsedTime(_expiredAt) >= s_expiry))
        {
            await archive.ExpireAsync(time.GetUtcNow(), cancellationToken);
            _expiredAt = time.GetTimestamp();
        }
    }

    private async Task<bool> RunAsync(OwnedShard shard, bool isPaced, CancellationToken cancellationToken)
    {
        var named = await shards.TakeAsync(shard.Number);
        shard.Pending.UnionWith(named);
        if (shard.Pending.Count == 0)
        {
            await MarkAsync(shard, Pace.None, cancellationToken);
            return false;
        }

        var pace = isPaced ? Pace.Of(shard.Pending.Count, _options.Interval / ArchiveShards.Count / PacedShare) : Pace.None;
        int before;
        do
        {
            before = shard.Pending.Count;
            if (!await CopyAsync(shard, pace, cancellationToken))
            {
                return true;
            }
        }
        while (pace.Pause > TimeSpan.Zero && shard.Pending.Count > 0 && shard.Pending.Count < before);

        await MarkAsync(shard, pace, cancellationToken);
        return shard.Pending.Count > 0 || named.Length == ArchiveShards.MaxTopics;
    }

    /// <summary>Reads and writes what one batch has room for.</summary>
    /// <returns>False when it has to be read anew.</returns>
    private async Task<bool> CopyAsync(OwnedShard shard, Pace pace, CancellationToken cancellationToken)
    {
        var pages = await ReadAsync(shard, pace, cancellationToken);
        var runs = pages.Where(page => page.Entries.Count > 0).ToArray();
        if (runs.Length > 0 && !await WriteAsync(shard, runs, cancellationToken))
        {
            return false;
        }

        foreach (var page in pages)
        {
            if (page.IsWhole)
            {
                shard.Pending.Remove(page.Log.Topic);
                shard.Backlogs.Remove(page.Log.Topic);
            }
        }

        foreach (var run in runs)
        {
            shard.Unmarked[run.Log.Topic] = shard.Unmarked.GetValueOrDefault(run.Log.Topic).With(run.Entries[^1].Position, run.Entries.Count, run.Bytes);
        }

        return true;
    }

    /// <summary>Tells Redis what it may let go.</summary>
    private async Task MarkAsync(OwnedShard shard, Pace pace, CancellationToken cancellationToken)
    {
        var all = ++shard.Rounds % MarkRounds == 0;
        foreach (var due in shard.Unmarked.Where(topic => all || IsMuch(topic.Key, topic.Value)).ToArray().Chunk(pace.Reads))
        {
            await Task.WhenAll(due.Select(topic => log.MarkArchivedAsync(topic.Key, topic.Value.Last, dropEvents: false)));
            Array.ForEach(due, topic => shard.Unmarked.Remove(topic.Key));
            await Task.Delay(pace.Pause, time, cancellationToken);
        }
    }

    private bool IsMuch(string topic, in OwnedShard.Archived archived)
    {
        var retention = logOptions.Value.RetentionOf(topic);
        return archived.Events >= retention.MaxEvents / MarkShare || (retention.MaxBytes > 0 && archived.Bytes >= retention.MaxBytes / MarkShare);
    }

    /// <summary>Reads what follows the archive's ends, of as many topics as a batch has room for.</summary>
    private async Task<List<PendingRun>> ReadAsync(OwnedShard shard, Pace pace, CancellationToken cancellationToken)
    {
        var read = new List<PendingRun>();
        var (events, bytes) = (0, 0L);
        foreach (var topics in shard.Pending.ToArray().Chunk(pace.Reads))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (read.Count > 0)
            {
                await Task.Delay(pace.Pause, time, cancellationToken);
                if (events >= pace.BatchEvents)
                {
                    return read;
                }
            }

            await LearnAsync(shard, Array.FindAll(topics, topic => !shard.Epochs.ContainsKey(topic)), cancellationToken);
            // A share of the batch for each: what does not fit would have been read in vain.
            var maxEvents = Math.Clamp((_options.BatchEvents - events) / topics.Length, MinPageEvents, pace.MaxEvents);
            var maxBytes = (int)Math.Clamp((_options.BatchBytes - bytes) / topics.Length, MinPageBytes, PageBytes);
            // Together, and looked at one after the other, because the shard is not thread-safe.
            var logs = Array.ConvertAll(topics, shard.Find);
            var pages = await Task.WhenAll(logs.Select(found => found is { } own ? log.ReadAsync(own.Log.Topic, own.End.Offset, maxEvents, maxBytes) : s_nothing));
            for (var i = 0; i < topics.Length; i++)
            {
                var run = logs[i] is { } own ? await TakeAsync(shard, own.Log, own.End, pages[i]) : PendingRun.Nothing(topics[i], isWhole: true);
                if (run.Entries.Count > 0 && (events + run.Entries.Count > _options.BatchEvents || bytes + run.Bytes > _options.BatchBytes) && events > 0)
                {
                    return read;
                }

                read.Add(run);
                events += run.Entries.Count;
                bytes += run.Bytes;
            }
        }

        return read;
    }

    /// <summary>Asks Redis, and the database, where the logs of these topics end; those that have none are left out.</summary>
    private async Task<(ArchivedLog Log, LogEnd End, ArchiveEnd Archived)[]> LearnAsync(OwnedShard shard, string[] topics, CancellationToken cancellationToken)
    {
        var ends = await Task.WhenAll(topics.Select(log.GetEndAsync));
        var logs = topics.Zip(ends).Where(pair => pair.Second.Position != default).Select(pair => (Log: new ArchivedLog(pair.First, pair.Second.Position.Epoch), End: pair.Second)).ToArray();
        if (logs.Length == 0)
        {
            return [];
        }

        var archived = await archive.GetEndsAsync(Array.ConvertAll(logs, item => item.Log), cancellationToken);
        for (var i = 0; i < logs.Length; i++)
        {
            shard.Learn(logs[i].Log, archived[i]);
        }

        return [.. logs.Zip(archived, (item, end) => (item.Log, item.End, end))];
    }

    private async Task<PendingRun> TakeAsync(OwnedShard shard, ArchivedLog own, ArchiveEnd end, LogPage page)
    {
        var topic = own.Topic;
        if (_options.RetentionOf(topic) is not { } retention)
        {
            // A log of another epoch is found by the next publish.
            shard.Epochs.Remove(topic);
            return PendingRun.Nothing(topic, isWhole: true);
        }

        if (page.Epoch != own.Epoch)
        {
            // The next round finds out where the archive of the new log ends.
            shard.Epochs.Remove(topic);
            return PendingRun.Nothing(topic, isWhole: page.Epoch == default);
        }

        if (end.IsDeleted)
        {
            // Redis went back to before the deletion. Nothing of this log is archived any more, and what was deleted is there again.
            LogReturned(topic);
            await log.FenceAsync(topic, own.Epoch);
            shard.Epochs.Remove(topic);
            return PendingRun.Nothing(topic, isWhole: true);
        }

        // The log's own numbering is not that of the archive: it lost events that are archived, and gave, or would give, their offsets to others.
        var next = Array.Find(page.Entries, entry => entry.GapReason is null);
        if (page.Last < end.Offset
            || (page.Last == end.Offset && !LogEnd.AreSame(page.End.PublishedAtMicroseconds, end.PublishedAtMicroseconds))
            || (next?.After == end.Offset && !LogEnd.AreSame(next.Previous, end.PublishedAtMicroseconds)))
        {
            LogDiverged(topic, page.Last, end.Offset);
            await log.FenceAsync(topic, own.Epoch);
            return PendingRun.Nothing(topic, isWhole: false);
        }

        LogEntry[] entries = [.. page.Entries.Where(entry => entry.GapReason is null)];
        var last = page.Entries is [.., var newest] ? newest.Position.Offset : page.Last;
        if (entries.Length > 0)
        {
            shard.Backlogs[topic] = new OwnedShard.Backlog(page.Last - end.Offset, entries[0].PublishedAtMicroseconds);
        }

        return new PendingRun(own, end.Offset, retention, entries, IsWhole: last >= page.Last);
    }

    /// <returns>False when it has to be read anew.</returns>
    private async Task<bool> WriteAsync(OwnedShard shard, PendingRun[] runs, CancellationToken cancellationToken)
    {
        try
        {
            await archive.WriteAsync(
                new ArchiveBatch(shard.Number, shard.Fence ?? throw new InvalidOperationException("The shard is not claimed."), Array.ConvertAll(runs, run => new ArchiveRun(run.Log, run.After, run.Retention, run.Entries))), cancellationToken);
        }
        catch (ArchiveConflictException exception)
        {
            LogConflict(shard.Number, exception.Message);
            if (exception.IsFenced)
            {
                _owned.Remove(shard.Number);
                // An operator's doing, perhaps: whoever has the lease claims the shard again.
                _renewedAt = 0;
            }
            else
            {
                shard.Forget();
            }

            return false;
        }

        foreach (var run in runs)
        {
            var last = run.Entries[^1];
            if (run.Entries[0].Position.Offset is var first && first > run.After + 1)
            {
                metrics.Lost(first - run.After - 1);
                LogLost(run.Log.Topic, run.After + 1, first - 1);
            }

            shard.Learn(run.Log, new ArchiveEnd(last.Position.Offset, last.PublishedAtMicroseconds, IsDeleted: false));
        }

        metrics.Archived(runs.Sum(run => run.Entries.Count), runs.Sum(run => run.Bytes));
        return true;
    }

    /// <summary>While the database is away nothing is read, so Redis is asked what waits there, also of topics that were idle until then.</summary>
    private async Task MeasureAsync()
    {
        try
        {
            await TakeUrgentAsync();
            foreach (var shard in _owned.Values)
            {
                shard.Pending.UnionWith(await shards.TakeAsync(shard.Number));
                foreach (var topics in shard.Pending.ToArray().Chunk(Reads))
                {
                    var counts = await Task.WhenAll(topics.Select(log.CountUnarchivedAsync));
                    var now = time.GetUtcNow().UnixMicroseconds();
                    for (var i = 0; i < topics.Length; i++)
                    {
                        shard.Count(topics[i], counts[i], now);
                    }
                }
            }
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            // What was measured last stays.
        }

        Measure();
    }

    private void Measure()
    {
        var backlogs = _owned.Values.SelectMany(shard => shard.Backlogs.Values).ToArray();
        metrics.LagEvents = backlogs.Sum(backlog => backlog.Events);
        Interlocked.Exchange(ref _oldest, backlogs.Length == 0 ? 0 : backlogs.Min(backlog => backlog.SinceMicroseconds));
    }

    private async Task ReleaseAsync(int shard)
    {
        try
        {
            await leases.ReleaseAsync(ArchiveShards.LeaseOf(shard), _owner, CancellationToken.None).WaitAsync(s_retry, time);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            LogNotReleased(shard, exception.Message);
        }
    }

    // Once for each cause: it is tried again every second.
    private void Report(string? problem)
    {
        if (problem is null && _reported is not null)
        {
            LogAgain();
        }
        else if (problem is not null && problem != _reported)
        {
            LogUnavailable(problem.EndsWith('.') ? problem : $"{problem}.");
        }

        _reported = problem;
    }

    [LoggerMessage(LogLevel.Error, "Events are not archived: {Problem} They stay in Redis up to TopicLog:MaxUnarchivedEvents and MaxUnarchivedBytes of each topic; it is tried again every second.")]
    private partial void LogUnavailable(string problem);

    [LoggerMessage(LogLevel.Information, "Events are archived again.")]
    private partial void LogAgain();

    [LoggerMessage(LogLevel.Error, "Archiving failed; it is tried again in a second.")]
    private partial void LogFailed(Exception exception);

    [LoggerMessage(LogLevel.Error, "Topic {Topic}: the events {First} to {Last} went from Redis before they were archived, because more of them waited than TopicLog:MaxUnarchivedEvents or MaxUnarchivedBytes allows, or because Redis was filling up. Clients that need them get a gap report.")]
    private partial void LogLost(string topic, long first, long last);

    [LoggerMessage(LogLevel.Warning, "Topic {Topic}: its log in Redis ends at {Last} or has other events than the archive, which has it up to {Archived}: Redis lost events. The log ends here, and the next publish begins a new epoch.")]
    private partial void LogDiverged(string topic, long last, long archived);

    [LoggerMessage(LogLevel.Warning, "Topic {Topic}: its log was deleted, and is in Redis again, which lost the deletion. The log ends here, and the next publish begins a new epoch.")]
    private partial void LogReturned(string topic);

    [LoggerMessage(LogLevel.Information, "Shard {Shard} of the archive: {Reason}")]
    private partial void LogConflict(int shard, string reason);

    [LoggerMessage(LogLevel.Warning, "This replica cannot reach the archive's database and others can: it leaves its {Shards} shards of topics to them until it can.")]
    private partial void LogLeft(int shards);

    [LoggerMessage(LogLevel.Warning, "This replica stops and has not archived all that waits: {Topics} topics or more have events that only Redis has. Another replica archives them, or this one when it starts again, unless Redis loses its memory before.")]
    private partial void LogLeftWaiting(int topics);

    [LoggerMessage(LogLevel.Debug, "The lease of shard {Shard} was not given back, and ends by itself: {Reason}")]
    private partial void LogNotReleased(int shard, string reason);

    /// <summary>How many logs are read at once, most events of each, when no more are read before these are written, and how long to wait between two reads.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Pace(int Reads, int MaxEvents, int BatchEvents, TimeSpan Pause)
    {
        public static Pace None { get; } = new(Archiver.Reads, PageEvents, int.MaxValue, TimeSpan.Zero);

        /// <summary>A few logs at a time, and more of them only where the time would not be enough.</summary>
        public static Pace Of(int topics, TimeSpan time)
        {
            var reads = (int)Math.Clamp(Math.Ceiling(topics * (s_leastPause / time)), PacedReads, Archiver.Reads);
            var pieces = (topics + reads - 1) / reads;
            return time / pieces is var pause && pause >= s_leastPause ? new Pace(reads, PacedEvents, PacedBatch, pause) : None;
        }
    }

    /// <summary>What follows the archive's end of one log.</summary>
    private sealed record PendingRun(ArchivedLog Log, long After, TimeSpan Retention, IReadOnlyList<LogEntry> Entries, bool IsWhole)
    {
        public static PendingRun Nothing(string topic, bool isWhole) => new(new ArchivedLog(topic, default), 0, TimeSpan.Zero, [], isWhole);

        public long Bytes { get; } = Entries.Sum(entry => (long)entry.Block.Length);
    }
}
