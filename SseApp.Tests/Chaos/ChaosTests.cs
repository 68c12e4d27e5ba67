namespace SseApp.Tests.Chaos;

/// <summary>
/// Real processes under a steady numbered publish, and what may break them. Every acknowledged event reaches every
/// subscriber once and in order, or a gap report says exactly what is missing.
/// </summary>
public sealed class ChaosTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private const int Warm = 500;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Killed_replicas_lose_nothing()
    {
        var cluster = await shared.WholeAsync();
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address);
        await load.AcknowledgedAsync(Warm);
        for (var i = 0; i < 2; i++)
        {
            var victim = cluster.Replicas[i];
            var served = load.ServedBy(victim.Name);
            Assert.True(served > 0, $"Nobody is served by {victim.Name}.");
            var opened = load.Opened;

            await victim.Process.KillAsync();
            await Eventually.Async(() => load.Opened >= opened + served, s_limit, $"the {served} streams of {victim.Name} to reconnect");
            await victim.StartAsync();
            await cluster.HealthyAsync(cluster.Replicas.Count);
            await load.AcknowledgedAsync(Warm);
        }

        await load.FinishAsync();
        load.AssertFaultless(receipt => receipt.FindFault());
    }

    [LongFact]
    public async Task A_frozen_replica_loses_its_streams_and_nothing_else_and_repeats_nothing_when_it_goes_on()
    {
        var cluster = await shared.WholeAsync();
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address);
        await load.AcknowledgedAsync(Warm);
        var victim = cluster.Replicas[0];
        Assert.True(load.ServedBy(victim.Name) > 0, $"Nobody is served by {victim.Name}.");

        victim.Process.Freeze();
        try
        {
            var tenSeconds = Task.Delay(TimeSpan.FromSeconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
            await Eventually.Async(() => load.ServedBy(victim.Name) == 0, s_limit, $"the streams of the frozen {victim.Name} to go on elsewhere");
            await load.AcknowledgedAsync(Warm);
            await tenSeconds;
        }
        finally
        {
            victim.Process.Thaw();
        }

        await cluster.HealthyAsync(cluster.Replicas.Count);
        await load.AcknowledgedAsync(Warm);
        await load.FinishAsync();
        load.AssertFaultless(receipt => receipt.FindFault());
    }

    [Fact]
    public async Task A_killed_Redis_that_restarts_with_its_file_loses_nothing()
    {
        await using var redis = new AofRedisServer();
        await using var cluster = await ServiceCluster.StartAsync(redis);
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address);
        await load.AcknowledgedAsync(Warm);

        await redis.KillAsync();
        await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, TestContext.Current.CancellationToken);
        await redis.RequireAsync();

        await load.AcknowledgedAsync(3 * Warm);
        await load.FinishAsync();
        load.AssertFaultless(receipt => receipt.FindFault());
    }

    [LongFact]
    public async Task Killed_subscriptions_lose_nothing()
    {
        var cluster = await shared.WholeAsync();
        await using var connection = await shared.Redis.ConnectAsync();
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address);
        for (var i = 0; i < 4; i++)
        {
            await load.AcknowledgedAsync(Warm);
            Assert.True(await RedisFaults.KillSubscriptionsAsync(connection.GetServers()[0]) >= cluster.Replicas.Count, "Not every replica's subscription was cut.");
        }

        await load.AcknowledgedAsync(Warm);
        await load.FinishAsync();
        load.AssertFaultless(receipt => receipt.FindFault());
    }

    [LongFact]
    public async Task Subscriptions_that_Redis_kicks_for_their_output_buffer_lose_nothing()
    {
        var cluster = await shared.WholeAsync();
        await using var connection = await shared.Redis.ConnectAsync();
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address);
        await load.AcknowledgedAsync(Warm);

        await RedisFaults.KickSubscriptionsAsync(connection.GetServers()[0], async () =>
        {
            await load.NumberedTopics[0].PublishBatchAsync(60, 60_000);
            await load.AcknowledgedAsync(Warm);
        });

        await load.AcknowledgedAsync(Warm);
        await load.FinishAsync();
        load.AssertFaultless(receipt => receipt.FindFault());
    }

    [LongFact]
    public async Task A_flushed_Redis_is_reported_with_the_exact_place()
    {
        var cluster = await shared.WholeAsync();
        await using var connection = await shared.Redis.ConnectAsync();
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address);
        await load.AcknowledgedAsync(Warm);

        await connection.GetServers()[0].ExecuteAsync("FLUSHALL");

        await load.AcknowledgedAsync(2 * Warm);
        await load.FinishAsync();
        load.AssertFaultless(receipt => receipt.FindFlushFault());
    }

    [LongFact]
    public async Task A_failover_to_a_server_that_lags_loses_nothing_silently()
    {
        await using var redis = new RedisSentinelServer();
        await using var cluster = await ServiceCluster.StartAsync(redis, new ServiceClusterOptions { Settings = [("Topics:CheckInterval", "00:00:00.500")] });
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address);
        await load.AcknowledgedAsync(Warm);

        redis.HoldBack();
        await load.AcknowledgedAsync(Warm);
        await redis.FailOverAsync();

        // The first ones may go to a log that is found out a moment later.
        await load.AcknowledgedAsync(6 * Warm);
        await load.FinishAsync();
        Assert.All(load.NumberedTopics, topic => Assert.True(topic.Stored.Select(stored => stored.Epoch).Distinct().Count() > 1, $"{topic.Name} lost nothing."));
        load.AssertFaultless(receipt => receipt.FindSilentFault());
    }
}
