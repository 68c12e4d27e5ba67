using SseApp.Events.Archive;
using SseApp.Events.Archive.PostgreSql;
using StackExchange.Redis;

namespace SseApp.Tests.Events.Archive;

/// <summary>
/// Whatever publishers, archivers that crash or hang, operators, and servers that lose something do, in whatever order: what is read is
/// what was acknowledged, in order and once, or an exact gap.
/// </summary>
public sealed class ArchiveSequenceTests(RedisServer redis, PostgresServer postgres) : IClassFixture<RedisServer>
{
    private static readonly Gen<int> s_topic = Gen.Int[0, ArchiveRig.Topics - 1];
    private static readonly Gen<int> s_who = Gen.Int[0, ArchiveRig.Archivers - 1];
    private static readonly Gen<string> s_key = Gen.OneOf("a", "b", "c");
    private static readonly Gen<int> s_share = Gen.Int[0, 100];

    // Renewing a lease, looking at all topics, and giving up an idle one are due after some of these.
    private static readonly Gen<int> s_pause = Gen.OneOf(0, 2, 2, 61, 150);
    private static readonly Gen<Trouble> s_trouble = Gen.Frequency((8, Trouble.None), (1, Trouble.IsAway), (1, Trouble.WriteFails), (1, Trouble.AnswerIsLost), (3, Trouble.HangsBeforeWrite), (2, Trouble.HangsAfterWrite));

    private static readonly (int, IGen<Step>)[] s_steps =
    [
        (30, Gen.Select(s_topic, Gen.Int[1, 8], s_key, Gen.Int[0, 3], (topic, count, key, hint) =>
            new Step($"publish {count} to {topic} with key {key}{(hint == 0 ? ", and the hint is lost" : "")}", rig => rig.PublishAsync(topic, count, key, hint > 0)))),
        (32, Gen.Select(s_who, s_pause, s_trouble, (who, pause, trouble) =>
            new Step($"archiver {who} works after {pause} s{(trouble == Trouble.None ? "" : $": {trouble}")}", rig => rig.ArchiveAsync(who, TimeSpan.FromSeconds(pause), trouble)))),
        (4, s_who.Select(who => new Step($"archiver {who} crashes", rig => rig.CrashAsync(who)))),
        (6, Gen.Const(new Step("leases end", rig => rig.EndLeasesAsync()))),
        (4, s_topic.Select(topic => new Step($"Redis loses {topic}", rig => rig.FlushAsync(topic)))),
        (3, s_topic.Select(topic => new Step($"Redis saves {topic}", rig => rig.SaveAsync(topic)))),
        (3, s_topic.Select(topic => new Step($"Redis comes back with {topic} as it was saved", rig => rig.GoBackAsync(topic)))),
        (4, Gen.Select(s_topic, s_key, (topic, key) => new Step($"key {key} of {topic} is erased", rig => rig.EraseAsync(topic, key)))),
        (1, s_topic.Select(topic => new Step($"{topic} is deleted", rig => rig.DeleteAsync(topic)))),
        (2, Gen.Const(new Step("a client comes that has nothing", rig => rig.OpenAsync(null)))),
        (4, s_share.Select(share => new Step($"a client comes that has {share} % of the events", rig => rig.OpenAsync(share)))),
    ];

    private static readonly (int, IGen<Step>)[] s_withStandby =
    [
        .. s_steps,
        (5, Gen.Const(new Step("the standby gets everything", rig => rig.ReplicateAsync()))),
        (3, Gen.Const(new Step("the standby is promoted", rig => rig.FailOverAsync()))),
    ];

    [Fact]
    public async Task Any_interleaving_is_read_as_it_was_acknowledged_or_as_an_exact_gap()
    {
        await using var connection = await ConnectAsync();
        await SampleAsync(connection, () => new MemoryArchive(TimeProvider.System) { ReadsStandby = true }, s_withStandby, iterations: 70);
    }

    [Fact]
    public async Task So_it_is_with_PostgreSQL()
    {
        await using var connection = await ConnectAsync();
        await using var source = PostgresSource.Create(await postgres.RequireAsync("archive_sequence"));
        var archive = new PostgresArchive(source, TimeProvider.System, NullLogger<PostgresArchive>.Instance);
        await archive.PrepareAsync(TestContext.Current.CancellationToken);
        await SampleAsync(connection, () => archive, s_steps, iterations: 5);
    }

    /// <summary>A case of it that chance seldom finds: nobody but the archiver that hangs knows the epoch any more.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_an_archiver_holds_of_a_log_that_Redis_lost_is_erased_and_deleted_too(bool isDeleted)
    {
        await using var connection = await ConnectAsync();
        await using var rig = new ArchiveRig(connection, new MemoryArchive(TimeProvider.System));
        await rig.PublishAsync(0, 4, "a", isHinted: true);
        await rig.ArchiveAsync(0, TimeSpan.FromSeconds(2), Trouble.HangsBeforeWrite);
        await rig.FlushAsync(0);
        await rig.PublishAsync(0, 4, "b", isHinted: true);
        await (isDeleted ? rig.DeleteAsync(0) : rig.EraseAsync(0, "a"));
        await rig.ArchiveAsync(0, TimeSpan.Zero, Trouble.None);

        await rig.CheckAsync(50);
    }

    [Fact]
    public async Task What_Redis_handed_over_in_an_answer_that_was_lost_is_looked_for_soon()
    {
        await using var connection = await ConnectAsync();
        await using var rig = new ArchiveRig(connection, new MemoryArchive(TimeProvider.System));
        await rig.PublishAsync(0, 1, key: null, isHinted: true);
        await rig.ArchiveAsync(0, TimeSpan.Zero, Trouble.None);
        Assert.False(await rig.IsBehindAsync(0));

        await rig.PublishAsync(0, 1, key: null, isHinted: false);
        await rig.ArchiveAsync(0, TimeSpan.FromSeconds(15), Trouble.None);
        Assert.True(await rig.IsBehindAsync(0), "Nobody named the topic, and it is not yet time to compare all of them.");

        await rig.RefuseHintsAsync(true);
        await rig.ArchiveAsync(0, TimeSpan.Zero, Trouble.None);
        await rig.RefuseHintsAsync(false);
        await rig.ArchiveAsync(0, TimeSpan.FromSeconds(15), Trouble.None);
        Assert.False(await rig.IsBehindAsync(0));
    }

    [Fact]
    public async Task A_Redis_that_came_back_with_less_than_is_archived_is_noticed_soon_although_no_command_failed()
    {
        await using var connection = await ConnectAsync();
        await using var rig = new ArchiveRig(connection, new MemoryArchive(TimeProvider.System));
        await rig.PublishAsync(0, 2, key: null, isHinted: true);
        await rig.SaveAsync(0);
        await rig.PublishAsync(0, 2, key: null, isHinted: true);
        await rig.ArchiveAsync(0, TimeSpan.Zero, Trouble.None);
        Assert.False(await rig.IsBehindAsync(0));

        await rig.GoBackAsync(0);
        await rig.ReconnectAsync();
        await rig.ArchiveAsync(0, TimeSpan.FromSeconds(15), Trouble.None);

        Assert.False(await rig.HasLogAsync(0), "The log in Redis is shorter than the archive, and goes on.");
    }

    private static Task SampleAsync(ConnectionMultiplexer connection, Func<IEventArchive> create, (int, IGen<Step>)[] steps, int iterations) =>
        Gen.Select(Gen.Frequency(steps).Array[1, 40], s_share).SampleAsync(
            async (sequence, share) =>
            {
                await using var rig = new ArchiveRig(connection, create());
                foreach (var step in sequence)
                {
                    await step.DoAsync(rig);
                }

                await rig.CheckAsync(share);
            },
            iter: iterations,
            threads: 1,
            print: static sample => string.Join("\n", sample.Item1.Select(step => step.Words).Append($"then others read from {sample.Item2} % on")));

    private async Task<ConnectionMultiplexer> ConnectAsync()
    {
        await redis.RequireAsync();
        return await ConnectionMultiplexer.ConnectAsync($"{redis.ConnectionString},allowAdmin=true");
    }

    /// <summary>Something that happens, in words as well.</summary>
    private sealed record Step(string Words, Func<ArchiveRig, Task> DoAsync);
}
