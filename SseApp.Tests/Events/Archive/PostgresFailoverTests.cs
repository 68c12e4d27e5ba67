using SseApp.Events.Archive;
using SseApp.Events.Archive.PostgreSql;

namespace SseApp.Tests.Events.Archive;

/// <summary>A primary and a standby of one's own, which end and hang.</summary>
public sealed class PostgresFailoverTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private readonly DateTimeOffset _started = TimeProvider.System.GetUtcNow();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reads_go_to_a_standby_and_writes_to_whichever_server_is_the_primary()
    {
        await using var first = await PostgresNode.StartAsync();
        await using var second = await first.AddStandbyAsync();
        await using var source = PostgresSource.Create($"Host=127.0.0.1:{first.Port},127.0.0.1:{second.Port};Database=postgres;Username=postgres;SSL Mode=Disable;Host Recheck Seconds=1");
        // The standby has all the time that it wants: what it lacks is what is looked for.
        var database = new PostgresDatabase(source, TimeProvider.System) { ReadLimit = TimeSpan.FromSeconds(2), WriteLimit = TimeSpan.FromSeconds(2), StandbyLimit = s_limit, StandbyRest = TimeSpan.FromSeconds(1) };
        var archive = new PostgresArchive(database, TimeProvider.System, NullLogger<PostgresArchive>.Instance);
        var log = new ArchivedLog("t", Epoch.Create());
        // At first the standby has not even the tables, and the primary answers for it.
        await second.ExecuteAsync("postgres", "SELECT pg_wal_replay_pause()");
        var fence = await archive.ClaimAsync(1, Cancelled);
        await WriteAsync(0, 3);
        Assert.Equal(3, await ReadAsync(newest: false));
        Assert.Equal(log.Epoch, Assert.Single(await archive.GetEpochsAsync(log.Topic, newest: false, Cancelled)).Epoch);
        Assert.Equal(new Position(log.Epoch, 2), await archive.FindAsync(log.Topic, Moment(2), Cancelled));
        await second.ExecuteAsync("postgres", "SELECT pg_wal_replay_resume()");
        await Eventually.Async(
            async () => await second.AskAsync<bool>("postgres", "SELECT to_regclass('sse.events') IS NOT NULL") && await second.AskAsync<long>("postgres", "SELECT count(*) FROM sse.events") == 3,
            s_limit,
            "the events on the standby");

        // What the standby has not replayed only the primary knows.
        await second.ExecuteAsync("postgres", "SELECT pg_wal_replay_pause()");
        await WriteAsync(3, 5);
        Assert.Equal(3, await ReadAsync(newest: false));
        Assert.Equal(5, await ReadAsync(newest: true));
        Assert.Equal(new Position(log.Epoch, 4), await archive.FindAsync(log.Topic, Moment(4), Cancelled));
        await second.ExecuteAsync("postgres", "SELECT pg_wal_replay_resume()");
        await Eventually.Async(async () => (await ReadAsync(newest: false)) == 5, s_limit, "the newer events on the standby");

        // One that hangs is said to be so in time, and what was asked for is done when it goes on, or is not.
        first.Freeze();
        var silent = await Assert.ThrowsAsync<ArchiveUnavailableException>(() => archive.CheckAsync(Cancelled));
        Assert.False(silent.IsFull);
        await Assert.ThrowsAsync<ArchiveUnavailableException>(() => WriteAsync(5, 6));
        first.Thaw();
        await Eventually.Async(async () => await TryAsync(() => archive.CheckAsync(Cancelled)), s_limit, "an answer of the primary that hung");
        var end = (await archive.GetEndsAsync([log], Cancelled))[0].Offset;
        Assert.Contains(end, new long[] { 5, 6 });
        await Eventually.Async(async () => (await ReadAsync(newest: false)) == end, s_limit, "the same end on the standby");

        // Killed, and back with what it had.
        await first.KillAsync();
        Assert.Equal(end, await ReadAsync(newest: false));
        await Assert.ThrowsAsync<ArchiveUnavailableException>(() => archive.CheckAsync(Cancelled));
        await first.RestartAsync();
        await Eventually.Async(async () => await TryAsync(() => WriteAsync(end, end + 1)), s_limit, "a write after the primary came back");
        await Eventually.Async(async () => (await ReadAsync(newest: false)) == end + 1, s_limit, "the newest event on the standby");

        // Gone for good: the standby is promoted by hand.
        await first.KillAsync();
        await second.PromoteAsync();
        await Eventually.Async(async () => await TryAsync(async () => fence = await archive.ClaimAsync(1, Cancelled)), s_limit, "a claim at the promoted standby");
        await WriteAsync(end + 1, end + 2);
        Assert.Equal(end + 2, await ReadAsync(newest: false));
        Assert.Equal(end + 2, await second.AskAsync<long>("postgres", "SELECT count(DISTINCT off) FROM sse.events"));
        Assert.Equal(end + 2, await second.AskAsync<long>("postgres", "SELECT count(*) FROM sse.events"));

        Task WriteAsync(long after, long last) => archive.WriteAsync(
            new ArchiveBatch(1, fence, [new ArchiveRun(log, after, TimeSpan.FromDays(30), [.. Enumerable.Range((int)after + 1, (int)(last - after)).Select(offset => ArchiveEntries.Of(log, offset, Moment(offset)))])]), Cancelled);

        async Task<long> ReadAsync(bool newest)
        {
            var page = await archive.ReadAsync(log, 0, 1_000, 100_000, newest, Cancelled);
            Assert.Equal(Enumerable.Range(1, page.Events.Count).Select(offset => (long)offset), page.Events.Select(archived => archived.Offset));
            return page.Events.Count;
        }

        static async Task<bool> TryAsync(Func<Task> action)
        {
            try
            {
                await action();
                return true;
            }
            catch (ArchiveUnavailableException)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task A_standby_that_hangs_keeps_no_reader_waiting()
    {
        await using var first = await PostgresNode.StartAsync();
        await using var second = await first.AddStandbyAsync();
        await using var source = PostgresSource.Create($"Host=127.0.0.1:{first.Port},127.0.0.1:{second.Port};Database=postgres;Username=postgres;SSL Mode=Disable;Host Recheck Seconds=1");
        // Longer than anybody waits here.
        var archive = new PostgresArchive(new PostgresDatabase(source, TimeProvider.System) { ReadLimit = 4 * s_limit, StandbyRest = TimeSpan.FromSeconds(1) }, TimeProvider.System, NullLogger<PostgresArchive>.Instance);
        var log = new ArchivedLog("t", Epoch.Create());
        var fence = await archive.ClaimAsync(1, Cancelled);
        await WriteAsync(0, 3);
        await Eventually.Async(
            async () => await second.AskAsync<bool>("postgres", "SELECT to_regclass('sse.events') IS NOT NULL") && await second.AskAsync<long>("postgres", "SELECT count(*) FROM sse.events") == 3,
            s_limit,
            "the events on the standby");
        // The standby is what is read from.
        await second.ExecuteAsync("postgres", "SELECT pg_wal_replay_pause()");
        await WriteAsync(3, 5);
        Assert.Equal(3, await ReadAsync());

        second.Freeze();
        Assert.Equal(5, await ReadAsync().WaitAsync(s_limit, TimeProvider.System, Cancelled));
        Assert.Equal(log.Epoch, Assert.Single(await archive.GetEpochsAsync(log.Topic, newest: false, Cancelled).WaitAsync(s_limit, TimeProvider.System, Cancelled)).Epoch);
        Assert.Equal(new Position(log.Epoch, 4), await archive.FindAsync(log.Topic, Moment(4), Cancelled).WaitAsync(s_limit, TimeProvider.System, Cancelled));

        // It is asked again when it answers, and at once when nobody else does.
        second.Thaw();
        await Eventually.Async(async () => await ReadAsync() == 3, s_limit, "an answer of the standby");
        second.Freeze();
        Assert.Equal(5, await ReadAsync().WaitAsync(s_limit, TimeProvider.System, Cancelled));
        second.Thaw();
        await first.KillAsync();
        Assert.Equal(3, await ReadAsync().WaitAsync(s_limit, TimeProvider.System, Cancelled));

        Task WriteAsync(long after, long last) => archive.WriteAsync(
            new ArchiveBatch(1, fence, [new ArchiveRun(log, after, TimeSpan.FromDays(30), [.. Enumerable.Range((int)after + 1, (int)(last - after)).Select(offset => ArchiveEntries.Of(log, offset, Moment(offset)))])]), Cancelled);

        async Task<int> ReadAsync() => (await archive.ReadAsync(log, 0, 1_000, 100_000, newest: false, Cancelled)).Events.Count;
    }

    [Fact]
    public async Task A_standby_alone_says_that_it_cannot_be_written_to_and_is_read_from()
    {
        await using var first = await PostgresNode.StartAsync();
        await using (var prepared = PostgresSource.Create(first.ConnectionTo("postgres")))
        {
            await new PostgresArchive(prepared, TimeProvider.System, NullLogger<PostgresArchive>.Instance).PrepareAsync(Cancelled);
        }

        await using var second = await first.AddStandbyAsync();
        await using var source = PostgresSource.Create(second.ConnectionTo("postgres"));
        var archive = new PostgresArchive(source, TimeProvider.System, NullLogger<PostgresArchive>.Instance);

        var check = await Assert.ThrowsAsync<ArchiveUnavailableException>(() => archive.CheckAsync(Cancelled));
        Assert.Contains("read-only", check.Message, StringComparison.Ordinal);
        var claim = await Assert.ThrowsAsync<ArchiveUnavailableException>(() => archive.ClaimAsync(1, Cancelled));
        Assert.Contains("read-only", claim.Message, StringComparison.Ordinal);
        Assert.Empty(await archive.GetEpochsAsync("t", newest: false, Cancelled));
    }

    private DateTimeOffset Moment(long offset) => _started.AddSeconds(offset);
}
