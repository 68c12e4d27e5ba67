using SseApp.Events.Archive;

namespace SseApp.Tests.Events.Archive;

/// <summary>What every provider of <see cref="IEventArchive"/> promises. The tests of one class run one after the other on one database.</summary>
public abstract class EventArchiveContract
{
    private const int Megabyte = 1024 * 1024;

    private static int s_names;

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 28, 9, 30, 0, TimeSpan.Zero));

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private DateTimeOffset Now => _clock.GetUtcNow();

    /// <summary>An archive as a process has it; skips the test where there is no database.</summary>
    private protected abstract Task<IEventArchive> OpenAsync(TimeProvider clock);

    [Fact]
    public async Task What_was_written_is_read_in_order_and_exactly()
    {
        var writer = await WriterAsync();
        var log = NewLog();
        LogEntry[] entries =
        [
            Entry(log, 1, "data: a\n\n", key: "it's\"50%\"\\$1{}--;"),
            Entry(log, 2, "event: size\ndata: {\"ä\":\"\\u0000\"}\ndata: 2\n\n", at: Now.AddTicks(10)),
            Entry(log, 3, "data: \n\n", key: new string('~', 200), at: Now.AddTicks(-30)),
        ];
        await writer.WriteAsync(log, 0, entries);

        var page = await writer.ReadAsync(log);

        Assert.Equal(entries.Select(Text), page.Events.Select(Text));
        Assert.Equal([new ArchiveEnd(3, entries[2].PublishedAtMicroseconds, false), default], await writer.Archive.GetEndsAsync([log, NewLog()], Cancelled));
    }

    [Fact]
    public async Task Clusters_learn_of_the_signs_of_each_other()
    {
        var archive = await OpenAsync(_clock);
        var (one, other) = (Guid.NewGuid().ToString("N"), Guid.NewGuid().ToString("N"));
        await Task.WhenAll(archive.MeetAsync(one, Cancelled), archive.MeetAsync(one, Cancelled));

        var seen = (await archive.MeetAsync(other, Cancelled))[one];
        Assert.Equal(seen, (await archive.MeetAsync(other, Cancelled))[one]);
        Assert.DoesNotContain(one, await archive.MeetAsync(one, Cancelled));
        Assert.NotEqual(seen, (await archive.MeetAsync(other, Cancelled))[one]);
    }

    [Fact]
    public async Task A_page_begins_behind_an_offset_and_has_no_more_events_than_were_asked_for()
    {
        var writer = await WriterAsync();
        var log = NewLog();
        await writer.WriteAsync(log, 0, Entries(log, 1, 10));
        await writer.WriteAsync(log, 10, Entries(log, 11, 20));

        Assert.Equal([9, 10, 11, 12], Offsets(await writer.Archive.ReadAsync(log, 8, 4, Megabyte, newest: false, Cancelled)));
        Assert.Equal([20], Offsets(await writer.Archive.ReadAsync(log, 19, 4, Megabyte, newest: true, Cancelled)));
        var end = await writer.Archive.ReadAsync(log, 20, 4, Megabyte, newest: false, Cancelled);
        Assert.Empty(end.Events);
        Assert.Equal(1, end.First);
        var unknown = await writer.Archive.ReadAsync(log with { Epoch = new Epoch(ulong.MaxValue) }, 0, 4, Megabyte, newest: false, Cancelled);
        Assert.Empty(unknown.Events);
        Assert.Equal(0, unknown.First);
    }

    [Fact]
    public async Task A_page_has_no_more_bytes_than_were_asked_for_but_always_an_event()
    {
        var writer = await WriterAsync();
        var log = NewLog();
        var block = $"data: {new string('x', 65_536 - 8)}\n\n";
        await writer.WriteAsync(log, 0, [.. Enumerable.Range(1, 100).Select(offset => Entry(log, offset, block))]);

        Assert.Equal(16, (await writer.Archive.ReadAsync(log, 0, 1_000, Megabyte, newest: false, Cancelled)).Events.Count);
        Assert.Equal([3], Offsets(await writer.Archive.ReadAsync(log, 2, 1_000, 1, newest: false, Cancelled)));
        var offsets = new List<long>();
        while (await writer.Archive.ReadAsync(log, offsets.LastOrDefault(), 1_000, 300_000, newest: false, Cancelled) is { Events.Count: > 0 } page)
        {
            Assert.All(page.Events, archived => Assert.Equal(65_536, archived.Block.Length));
            offsets.AddRange(Offsets(page));
        }

        Assert.Equal(Enumerable.Range(1, 100).Select(offset => (long)offset), offsets);
    }

    [Fact]
    public async Task A_batch_is_written_once_however_often_it_is_sent()
    {
        var writer = await WriterAsync();
        var log = NewLog();
        await writer.WriteAsync(log, 0, Entries(log, 1, 5));

        var conflict = await Assert.ThrowsAsync<ArchiveConflictException>(() => writer.WriteAsync(log, 0, Entries(log, 1, 5)));

        Assert.False(conflict.IsFenced);
        Assert.Equal([1, 2, 3, 4, 5], Offsets(await writer.ReadAsync(log)));
    }

    [Fact]
    public async Task A_writer_whose_shard_was_taken_over_writes_nothing_any_more()
    {
        var former = await WriterAsync();
        var log = NewLog();
        await former.WriteAsync(log, 0, Entries(log, 1, 2));
        var other = await OpenAsync(_clock);
        var fence = await other.ClaimAsync(former.Shard, Cancelled);

        var conflict = await Assert.ThrowsAsync<ArchiveConflictException>(() => former.WriteAsync(log, 2, Entries(log, 3, 4)));

        Assert.True(conflict.IsFenced);
        Assert.True(fence > former.Fence);
        await new Writer(other, former.Shard, fence).WriteAsync(log, 2, Entries(log, 3, 3));
        Assert.Equal([1, 2, 3], Offsets(await former.ReadAsync(log)));
        await Assert.ThrowsAsync<ArchiveConflictException>(() => new Writer(other, NextShard(), 1).WriteAsync(NewLog(), 0, Entries(log, 1, 1)));
    }

    [Fact]
    public async Task Of_two_writers_that_both_think_they_are_the_one_each_event_comes_once()
    {
        var shard = NextShard();
        var log = NewLog();
        Writer[] writers = [await WriterAsync(shard), await WriterAsync(shard), await WriterAsync(shard)];

        await Task.WhenAll(writers.Select((writer, index) => ArchiveAsync(writer, index)));

        Assert.Equal(Enumerable.Range(1, 50).Select(offset => (long)offset), Offsets(await writers[0].ReadAsync(log)));

        async Task ArchiveAsync(Writer writer, int index)
        {
            for (var end = 0L; end < 50;)
            {
                try
                {
                    await writer.WriteAsync(log, end, Entries(log, end + 1, Math.Min(50, end + 1 + index)));
                }
                catch (ArchiveConflictException conflict) when (conflict.IsFenced)
                {
                    writer = writer with { Fence = await writer.Archive.ClaimAsync(shard, Cancelled) };
                }
                catch (ArchiveConflictException)
                {
                    // The next lines look where it ends.
                }

                end = (await writer.Archive.GetEndsAsync([log], Cancelled))[0].Offset;
            }
        }
    }

    [Fact]
    public async Task A_batch_in_which_one_log_does_not_end_where_it_says_is_not_written_at_all()
    {
        var writer = await WriterAsync();
        var (known, wrong, unknown) = (NewLog(), NewLog(), NewLog());
        await writer.WriteAsync(known, 0, Entries(known, 1, 3));
        await writer.WriteAsync(wrong, 0, Entries(wrong, 1, 3));

        await Assert.ThrowsAsync<ArchiveConflictException>(() => writer.WriteAsync(Run(known, 3, Entries(known, 4, 5)), Run(wrong, 2, Entries(wrong, 3, 5))));
        await Assert.ThrowsAsync<ArchiveConflictException>(() => writer.WriteAsync(Run(known, 3, Entries(known, 4, 5)), Run(unknown, 7, Entries(unknown, 8, 9))));

        Assert.Equal([3, 3, 0], (await writer.Archive.GetEndsAsync([known, wrong, unknown], Cancelled)).Select(end => end.Offset));
        Assert.Equal([1, 2, 3], Offsets(await writer.ReadAsync(known)));
        Assert.Equal([1, 2, 3], Offsets(await writer.ReadAsync(wrong)));
        Assert.Empty((await writer.ReadAsync(unknown)).Events);
    }

    [Fact]
    public async Task Events_that_were_lost_before_they_were_archived_are_a_hole()
    {
        var writer = await WriterAsync();
        var log = NewLog();
        await writer.WriteAsync(log, 0, Entries(log, 5, 6));
        await writer.WriteAsync(log, 6, Entries(log, 10, 11));

        var page = await writer.ReadAsync(log);
        Assert.Equal([5, 6, 10, 11], Offsets(page));
        Assert.Equal(5, page.First);
        Assert.Equal([5, 6, 10], Offsets(await writer.Archive.ReadAsync(log, 0, 3, Megabyte, newest: false, Cancelled)));
        Assert.Equal([5, 6], Offsets(await writer.Archive.ReadAsync(log, 0, 3, page.Events.Take(2).Sum(archived => archived.Block.Length), newest: false, Cancelled)));
        Assert.Equal([10, 11], Offsets(await writer.Archive.ReadAsync(log, 7, 10, Megabyte, newest: false, Cancelled)));
    }

    [Fact]
    public async Task Tombstones_keep_their_places()
    {
        var writer = await WriterAsync();
        var log = NewLog();
        await writer.WriteAsync(log, 0, [Entry(log, 1), Entry(log, 2, ""), Entry(log, 3)]);

        Assert.Equal([(1, false), (2, true), (3, false)], (await writer.ReadAsync(log)).Events.Select(archived => (archived.Offset, archived.Block.Length == 0)));
    }

    [Fact]
    public async Task Erasing_takes_the_events_with_the_key_and_what_is_on_its_way()
    {
        var writer = await WriterAsync();
        const string Key = "o'brien;--\"$$";
        var former = NewLog();
        var log = former with { Epoch = Epoch.Create() };
        var other = NewLog();
        await writer.WriteAsync(former, 0, [Entry(former, 1, key: Key), Entry(former, 2)]);
        await writer.WriteAsync(log, 0, [Entry(log, 1, key: Key), Entry(log, 2, key: "another"), Entry(log, 3), Entry(log, 4, key: Key)]);
        await writer.WriteAsync(other, 0, [Entry(other, 1, key: Key)]);

        Assert.Equal(3, await writer.Archive.EraseAsync(log.Topic, Key, new Position(log.Epoch, 6), Cancelled));
        Assert.Equal(0, await writer.Archive.EraseAsync(log.Topic, Key, new Position(log.Epoch, 6), Cancelled));
        // An archiver had read these before; the last one was published after the wish.
        await writer.WriteAsync(log, 4, [Entry(log, 5, key: "another"), Entry(log, 6, key: Key), Entry(log, 7, key: Key)]);
        await writer.WriteAsync(former, 2, [Entry(former, 3, key: Key)]);

        Assert.Equal([(1L, null, true), (2, null, false), (3, null, true)], await StateAsync(former));
        Assert.Equal([(1L, null, true), (2, "another", false), (3, null, false), (4, null, true), (5, "another", false), (6, null, true), (7, Key, false)], await StateAsync(log));
        Assert.Equal([(1L, Key, false)], await StateAsync(other));

        async Task<IEnumerable<(long, string?, bool)>> StateAsync(ArchivedLog which) =>
            (await writer.ReadAsync(which)).Events.Select(archived => (archived.Offset, archived.Key, archived.Block.Length == 0));
    }

    [Fact]
    public async Task Erasing_holds_for_a_log_of_which_nothing_is_archived_yet()
    {
        var writer = await WriterAsync();
        var log = NewLog();

        Assert.Equal(0, await writer.Archive.EraseAsync(log.Topic, "key", new Position(log.Epoch, 2), Cancelled));
        Assert.Equal(0, await writer.Archive.EraseAsync(NewLog().Topic, "key", default, Cancelled));
        await writer.WriteAsync(log, 0, [Entry(log, 1, key: "key"), Entry(log, 2, key: "key"), Entry(log, 3, key: "key")]);

        Assert.Equal([true, true, false], (await writer.ReadAsync(log)).Events.Select(archived => archived.Block.Length == 0));
    }

    [Fact]
    public async Task Erasing_takes_all_of_many_events()
    {
        var writer = await WriterAsync();
        var log = NewLog();
        await writer.WriteAsync(log, 0, [.. Enumerable.Range(1, 12_000).Select(offset => Entry(log, offset, key: offset % 12 == 0 ? "other" : "key"))]);

        Assert.Equal(11_000, await writer.Archive.EraseAsync(log.Topic, "key", new Position(log.Epoch, 12_000), Cancelled));
        Assert.Equal(1_000, (await writer.Archive.ReadAsync(log, 0, 20_000, 10 * Megabyte, newest: false, Cancelled)).Events.Count(archived => archived.Block.Length > 0));
    }

    [Fact]
    public async Task Deleting_takes_all_epochs_of_the_topic_and_nothing_of_others()
    {
        var writer = await WriterAsync();
        var log = NewLog();
        var former = log with { Epoch = Epoch.Create() };
        var other = NewLog();
        await writer.WriteAsync(former, 0, [.. Enumerable.Range(1, 6_000).Select(offset => Entry(former, offset))]);
        await writer.WriteAsync(Run(log, 0, Entries(log, 1, 3)), Run(other, 0, Entries(other, 1, 3)));

        Assert.True(await writer.Archive.DeleteAsync(log.Topic, log.Epoch, Cancelled));
        Assert.False(await writer.Archive.DeleteAsync(log.Topic, log.Epoch, Cancelled));
        Assert.False(await writer.Archive.DeleteAsync(NewLog().Topic, default, Cancelled));

        Assert.Empty((await writer.ReadAsync(log)).Events);
        Assert.Empty((await writer.ReadAsync(former)).Events);
        Assert.Empty(await writer.Archive.GetEpochsAsync(log.Topic, newest: true, Cancelled));
        Assert.Null(await writer.Archive.FindAsync(log.Topic, Now.AddDays(-1), Cancelled));
        Assert.Equal([1, 2, 3], Offsets(await writer.ReadAsync(other)));
        Assert.Equal([true, true, false], (await writer.Archive.GetEndsAsync([log, former, other], Cancelled)).Select(end => end.IsDeleted));
    }

    [Fact]
    public async Task What_an_archiver_has_of_a_deleted_topic_is_refused_and_the_topic_may_live_again()
    {
        var writer = await WriterAsync();
        var log = NewLog();
        var again = log with { Epoch = Epoch.Create() };

        Assert.False(await writer.Archive.DeleteAsync(log.Topic, log.Epoch, Cancelled));
        var conflict = await Assert.ThrowsAsync<ArchiveConflictException>(() => writer.WriteAsync(log, 0, Entries(log, 1, 3)));
        Assert.False(conflict.IsFenced);
        await writer.WriteAsync(again, 0, Entries(again, 1, 2));

        Assert.Empty((await writer.ReadAsync(log)).Events);
        Assert.Equal([1, 2], Offsets(await writer.ReadAsync(again)));
        Assert.Equal([again.Epoch], (await writer.Archive.GetEpochsAsync(log.Topic, newest: true, Cancelled)).Select(epoch => epoch.Epoch));
    }

    [Fact]
    public async Task Epochs_come_in_the_order_of_their_lives_and_each_is_read_by_its_own_offsets()
    {
        var writer = await WriterAsync();
        var first = NewLog() with { Epoch = new Epoch(ulong.MaxValue) };
        var second = first with { Epoch = new Epoch(2) };
        var third = first with { Epoch = new Epoch(1) };
        await writer.WriteAsync(first, 0, [Entry(first, 1, at: Now.AddHours(-3)), Entry(first, 2, at: Now.AddHours(-2))]);
        await writer.WriteAsync(Run(second, 0, [Entry(second, 4, at: Now.AddHours(-1))]), Run(third, 0, [Entry(third, 1, at: Now)]));

        Assert.Equal(
            [
                new ArchivedEpoch(first.Epoch, 1, 2, Now.AddHours(-3), Now.AddHours(-2)),
                new ArchivedEpoch(second.Epoch, 4, 4, Now.AddHours(-1), Now.AddHours(-1)),
                new ArchivedEpoch(third.Epoch, 1, 1, Now, Now),
            ],
            await writer.Archive.GetEpochsAsync(first.Topic, newest: true, Cancelled));
        Assert.Equal([1, 2], Offsets(await writer.ReadAsync(first)));
        Assert.Equal([4], Offsets(await writer.ReadAsync(second)));
    }

    [Fact]
    public async Task The_first_event_at_or_after_a_moment_is_found_although_clocks_differ()
    {
        var writer = await WriterAsync();
        var former = NewLog();
        var log = former with { Epoch = Epoch.Create() };
        await writer.WriteAsync(former, 0, [Entry(former, 1, at: Now.AddMinutes(-20)), Entry(former, 2, at: Now.AddMinutes(-10))]);
        await writer.WriteAsync(
            log, 0, [Entry(log, 1, at: Now.AddSeconds(-60)), Entry(log, 2, at: Now.AddSeconds(2)), Entry(log, 3, at: Now.AddSeconds(1)), Entry(log, 4, at: Now.AddSeconds(60))]);

        Assert.Equal(new Position(former.Epoch, 1), await FindAsync(TimeSpan.FromHours(-5)));
        Assert.Equal(new Position(former.Epoch, 2), await FindAsync(TimeSpan.FromMinutes(-10)));
        Assert.Equal(new Position(log.Epoch, 1), await FindAsync(TimeSpan.FromMinutes(-9)));
        Assert.Equal(new Position(log.Epoch, 2), await FindAsync(TimeSpan.Zero));
        Assert.Equal(new Position(log.Epoch, 2), await FindAsync(TimeSpan.FromSeconds(2)));
        Assert.Equal(new Position(log.Epoch, 4), await FindAsync(TimeSpan.FromSeconds(60)));
        Assert.Null(await FindAsync(TimeSpan.FromSeconds(60.000001)));

        Task<Position?> FindAsync(TimeSpan from) => writer.Archive.FindAsync(log.Topic, Now + from, Cancelled);
    }

    [Fact]
    public async Task Events_are_kept_for_their_retention_and_a_thirtieth()
    {
        var writer = await WriterAsync();
        var (day, month) = (NewLog(), NewLog());
        var start = Now;
        for (var hour = 0; hour < 48; hour++)
        {
            await writer.WriteAsync(
                Run(day, hour, [Entry(day, hour + 1)], TimeSpan.FromHours(24)),
                Run(month, hour, [Entry(month, hour + 1)], TimeSpan.FromDays(30)));
            _clock.Advance(TimeSpan.FromHours(1));
            await writer.Archive.ExpireAsync(Now, Cancelled);
        }

        // Now is 48 h after the first one.
        var kept = Offsets(await writer.ReadAsync(day));
        Assert.Contains(kept[0], new long[] { 24, 25 });
        Assert.Equal(48, kept[^1]);
        Assert.Equal(kept[0], (await writer.Archive.ReadAsync(day, 1, 1, 1, newest: false, Cancelled)).First);
        Assert.Equal(48, Offsets(await writer.ReadAsync(month)).Count);
        await writer.Archive.ExpireAsync(start.AddDays(33), Cancelled);
        Assert.Empty((await writer.ReadAsync(month)).Events);
        Assert.Equal(48, (await writer.Archive.GetEndsAsync([month], Cancelled))[0].Offset);
        Assert.Empty(await writer.Archive.GetEpochsAsync(month.Topic, newest: true, Cancelled));
    }

    [Fact]
    public async Task What_is_past_its_retention_is_not_written_and_the_end_moves_on()
    {
        var writer = await WriterAsync();
        var log = NewLog();
        await writer.WriteAsync(Run(log, 0, [Entry(log, 1, at: Now.AddHours(-3)), Entry(log, 2, at: Now.AddMinutes(-30))], TimeSpan.FromHours(1)));
        Assert.Equal([2], Offsets(await writer.ReadAsync(log)));

        await writer.WriteAsync(Run(log, 2, [Entry(log, 3, at: DateTimeOffset.UnixEpoch)], TimeSpan.FromHours(1)));

        Assert.Equal([2], Offsets(await writer.ReadAsync(log)));
        Assert.Equal(3, (await writer.Archive.GetEndsAsync([log], Cancelled))[0].Offset);
    }

    [Fact]
    public async Task Events_by_clocks_that_are_far_ahead_are_written_as_they_are_and_not_kept_for_years()
    {
        var writer = await WriterAsync();
        var log = NewLog();
        var last = DateTimeOffset.UnixEpoch.AddTicks(UnixTime.MaxMicroseconds * TimeSpan.TicksPerMicrosecond);
        LogEntry[] entries = [Entry(log, 1, at: Now.AddDays(3)), Entry(log, 2, at: Now.AddYears(50)), Entry(log, 3, at: last), Entry(log, 4)];
        await writer.WriteAsync(Run(log, 0, entries, TimeSpan.FromHours(5)));

        Assert.Equal(entries.Select(Text), (await writer.ReadAsync(log)).Events.Select(Text));
        await writer.Archive.ExpireAsync(Now.AddHours(8), Cancelled);
        Assert.Empty((await writer.ReadAsync(log)).Events);
    }

    [Fact]
    public async Task A_log_that_nothing_is_left_of_is_forgotten()
    {
        var writer = await WriterAsync();
        var (gone, deleted, kept) = (NewLog(), NewLog(), NewLog());
        await writer.WriteAsync(Run(gone, 0, Entries(gone, 1, 1), TimeSpan.FromHours(2)), Run(deleted, 0, Entries(deleted, 1, 1), TimeSpan.FromHours(2)), Run(kept, 0, Entries(kept, 1, 1)));
        await writer.Archive.DeleteAsync(deleted.Topic, default, Cancelled);

        await writer.Archive.ExpireAsync(Now.AddDays(6), Cancelled);
        Assert.Equal([new(1, Now.UnixMicroseconds(), false), new(1, Now.UnixMicroseconds(), true), new ArchiveEnd(1, Now.UnixMicroseconds(), false)], await writer.Archive.GetEndsAsync([gone, deleted, kept], Cancelled));
        await writer.Archive.ExpireAsync(Now.AddDays(9), Cancelled);

        Assert.Equal([default, default, new ArchiveEnd(1, Now.UnixMicroseconds(), false)], await writer.Archive.GetEndsAsync([gone, deleted, kept], Cancelled));
        _clock.Advance(TimeSpan.FromDays(9));
        await writer.WriteAsync(deleted, 0, Entries(deleted, 1, 1));
        Assert.Equal([1], Offsets(await writer.ReadAsync(deleted)));
    }

    [Fact]
    public async Task Preparing_again_and_by_several_at_once_changes_nothing()
    {
        var writer = await WriterAsync();
        var log = NewLog();
        await writer.WriteAsync(log, 0, Entries(log, 1, 3));
        var others = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => OpenAsync(_clock)));

        await Task.WhenAll(others.Select(other => other.PrepareAsync(Cancelled)));
        await others[0].CheckAsync(Cancelled);

        Assert.Equal([1, 2, 3], Offsets(await writer.ReadAsync(log)));
    }

    [Fact]
    public async Task A_wait_that_is_cancelled_ends_as_such()
    {
        var archive = await OpenAsync(_clock);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => archive.ReadAsync(NewLog(), 0, 1, 1, newest: true, cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => archive.CheckAsync(cancelled.Token));
    }

    /// <summary>Any sequence of what archivers and operators do, with repeats and writers that were overtaken, is as a list in memory.</summary>
    [Fact]
    public async Task Any_sequence_of_writes_erasures_and_deletions_is_as_the_model_says()
    {
        var archive = await OpenAsync(_clock);
        var step = Gen.Select(Gen.Int[0, 9], Gen.Int[0, 1], Gen.Int[1, 5], Gen.Int[0, 2], Gen.Int[0, 2], (what, topic, count, key, hole) => (what, topic, count, key, hole));
        await step.Array[1, 25].SampleAsync(
            async steps =>
            {
                var model = new ArchiveModel(archive, NextShard(), Now);
                foreach (var (what, topic, count, key, hole) in steps)
                {
                    await model.DoAsync(what, topic, count, key, hole);
                }

                return await model.IsTrueAsync();
            },
            iter: 60,
            threads: 1);
    }

    private protected static ArchivedLog NewLog() => new($"t:{Interlocked.Increment(ref s_names)}/a.b-c_d@{Random.Shared.Next():x}", Epoch.Create());

    private protected static int NextShard() => Interlocked.Increment(ref s_names);

    private protected async Task<Writer> WriterAsync(int? shard = null)
    {
        var archive = await OpenAsync(_clock);
        var number = shard ?? NextShard();
        return new Writer(archive, number, await archive.ClaimAsync(number, Cancelled));
    }

    private protected LogEntry Entry(ArchivedLog log, long offset, string? block = null, string? key = null, DateTimeOffset? at = null) =>
        ArchiveEntries.Of(log, offset, at ?? Now, key, block);

    private protected LogEntry[] Entries(ArchivedLog log, long first, long last) =>
        [.. Enumerable.Range((int)first, (int)(last - first + 1)).Select(offset => Entry(log, offset))];

    private protected static ArchiveRun Run(ArchivedLog log, long after, IReadOnlyList<LogEntry> entries, TimeSpan? retention = null) =>
        new(log, after, retention ?? TimeSpan.FromDays(30), entries);

    private protected static List<long> Offsets(ArchivePage page) => [.. page.Events.Select(archived => archived.Offset)];

    private static (long, long, string?, string) Text(LogEntry entry) => (entry.Position.Offset, entry.PublishedAtMicroseconds, entry.Key, Encoding.UTF8.GetString(entry.Block.Span));

    private static (long, long, string?, string) Text(ArchivedEvent archived) => (archived.Offset, archived.PublishedAtMicroseconds, archived.Key, Encoding.UTF8.GetString(archived.Block));

    private protected sealed record Writer(IEventArchive Archive, int Shard, long Fence)
    {
        public Task WriteAsync(ArchivedLog log, long after, params LogEntry[] entries) => WriteAsync(Run(log, after, entries));

        public Task WriteAsync(params ArchiveRun[] runs) => Archive.WriteAsync(new ArchiveBatch(Shard, Fence, runs), Cancelled);

        public Task<ArchivePage> ReadAsync(ArchivedLog log) => Archive.ReadAsync(log, 0, 10_000, 10 * Megabyte, newest: true, Cancelled);
    }
}
