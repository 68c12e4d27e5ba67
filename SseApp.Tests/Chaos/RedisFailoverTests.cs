using StackExchange.Redis;

namespace SseApp.Tests.Chaos;

/// <summary>Real processes and real servers: what is acknowledged comes, or a gap says exactly from where on it does not; streams stay open.</summary>
public sealed class RedisFailoverTests
{
    private const int Warm = 250;
    private const int Subscribers = 80;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private static readonly ServiceClusterOptions s_options = new() { Replicas = 2, Settings = [("Topics:CheckInterval", "00:00:00.500")] };

    [LongFact]
    public async Task A_primary_that_is_killed_is_replaced_by_its_sentinels_and_streams_go_on()
    {
        await using var redis = new RedisSentinelTrio();
        await using var cluster = await ServiceCluster.StartAsync(redis, s_options);
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address, Subscribers);
        await load.AcknowledgedAsync(Warm);
        var opened = load.Opened;

        var killed = Stopwatch.StartNew();
        await redis.KillAsync();
        await Eventually.Async(async () => await redis.PrimaryAsync() != redis.Port, s_limit, "the sentinels to promote a replica");
        var promoted = killed.Elapsed;
        await load.AcknowledgedAsync(1);
        Report($"Promoted after {promoted.TotalSeconds:0.0} s, the next event acknowledged after {killed.Elapsed.TotalSeconds:0.0} s.");
        await load.AcknowledgedAsync(2 * Warm);

        // The old one comes back with what it had, and takes itself for the primary until the sentinels tell it (10 s): nobody may follow it.
        var returned = load.NumberedTopics.ToDictionary(topic => topic, topic => topic.Count);
        await redis.RequireAsync();
        await Eventually.Async(redis.IsReplicaAsync, s_limit, "the old primary to follow the new one");
        await load.AcknowledgedAsync(Warm);
        var before = load.NumberedTopics.ToDictionary(topic => topic, topic => topic.Count);

        // And once more, as for the maintenance of a machine: that loses nothing.
        await redis.FailOverAsync();
        await load.AcknowledgedAsync(2 * Warm);

        Assert.Equal(opened, load.Opened);
        await load.FinishAsync();
        load.AssertFaultless(receipt => receipt.FindSilentFault());
        foreach (var (name, marks) in new[] { ("the crash", returned), ("the return of the old primary", before) })
        {
            Report($"After {name} {load.NumberedTopics.Count(topic => topic.Stored.Take(marks[topic]).Select(stored => stored.Epoch).Distinct().Count() > 1)} of 20 topics had begun a new epoch.");
        }

        Report(load);
        Assert.All(load.NumberedTopics, topic => Assert.Single(topic.Stored.Skip(returned[topic]).Select(stored => stored.Epoch).Distinct()));
    }

    [LongFact]
    public async Task Slots_that_move_lose_nothing_and_a_master_that_is_killed_loses_nothing_silently()
    {
        await using var redis = new RedisClusterServer(withReplica: true);
        await using var cluster = await ServiceCluster.StartAsync(redis, s_options);
        await using var admin = await ConnectionMultiplexer.ConnectAsync($"{redis.ConnectionString},allowAdmin=true");
        await using (var load = await ChaosLoad.StartAsync(cluster.Gateway.Address, Subscribers))
        {
            await load.AcknowledgedAsync(Warm);
            var opened = load.Opened;
            foreach (var topic in load.NumberedTopics)
            {
                await RedisClusterServer.MoveSlotAsync(admin, admin.GetHashSlot($"{cluster.Prefix}:{{{topic.Name}}}:"), onKey: () => Task.CompletedTask);
                await load.AcknowledgedAsync(10);
            }

            await load.AcknowledgedAsync(Warm);
            Assert.Equal(opened, load.Opened);
            await load.FinishAsync();
            load.AssertFaultless(receipt => receipt.FindFault());
        }

        await using (var load = await ChaosLoad.StartAsync(cluster.Gateway.Address, Subscribers))
        {
            await load.AcknowledgedAsync(Warm);
            var opened = load.Opened;

            var killed = Stopwatch.StartNew();
            await redis.FailOverAsync();
            var promoted = killed.Elapsed;
            await Task.WhenAll(load.NumberedTopics.Select(topic => topic.PublishAsync(TestContext.Current.CancellationToken)));
            Report($"Promoted after {promoted.TotalSeconds:0.0} s, every topic acknowledges again after {killed.Elapsed.TotalSeconds:0.0} s.");
            await load.AcknowledgedAsync(2 * Warm);
            await redis.RequireAsync();
            await load.AcknowledgedAsync(2 * Warm);

            Assert.Equal(opened, load.Opened);
            await load.FinishAsync();
            load.AssertFaultless(receipt => receipt.FindSilentFault());
            Report(load);
        }
    }

    private static void Report(ChaosLoad load)
    {
        var lost = load.NumberedTopics.Count(topic => topic.Stored.Select(stored => stored.Epoch).Distinct().Count() > 1);
        Report($"{load.NumberedTopics.Sum(topic => topic.Count)} events acknowledged; {lost} of {load.NumberedTopics.Count} topics began a new epoch.");
    }

    private static void Report(FormattableString text) => TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant(text));
}
