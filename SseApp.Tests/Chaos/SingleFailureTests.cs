namespace SseApp.Tests.Chaos;

/// <summary>What the table of single failures in docs/operations.md says, where no other test does: real processes under a steady numbered publish.</summary>
public sealed class SingleFailureTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private const int Warm = 250;
    private const int Subscribers = 60;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [LongFact]
    public async Task Streams_of_a_replica_that_the_gateway_cannot_reach_go_on_elsewhere_and_it_returns()
    {
        var cluster = await WholeAsync();
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address, Subscribers);
        await load.AcknowledgedAsync(Warm);
        var victim = cluster.Replicas[0];
        Assert.True(load.ServedBy(victim.Name) > 0, $"Nobody is served by {victim.Name}.");

        cluster.Pipes[0].Part();
        try
        {
            await Eventually.Async(() => load.ServedBy(victim.Name) == 0, s_limit, $"the streams of {victim.Name} to go on elsewhere");
            await cluster.HealthyAsync(cluster.Replicas.Count - 1);
            await load.AcknowledgedAsync(Warm);
        }
        finally
        {
            cluster.Pipes[0].Mend();
        }

        await cluster.HealthyAsync(cluster.Replicas.Count);
        await FinishAsync(load);
    }

    [LongFact]
    public async Task Streams_of_a_replica_that_does_not_reach_Redis_stay_and_get_what_came_meanwhile_when_it_does()
    {
        var cluster = await WholeAsync();
        await using var pipe = new TcpPipe { Target = new Uri($"http://127.0.0.1:{shared.Redis.Port}") };
        var victim = cluster.Add("parted");
        victim.Changes["ConnectionStrings__redis"] = shared.Redis.ConnectionString.Replace($"{shared.Redis.Port}", $"{pipe.Address.Port}", StringComparison.Ordinal);
        await victim.StartAsync();
        await cluster.HealthyAsync(cluster.Replicas.Count);
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address, Subscribers);
        await load.AcknowledgedAsync(Warm);
        Assert.True(load.ServedBy(victim.Name) > 0, $"Nobody is served by {victim.Name}.");
        var opened = load.Opened;

        pipe.Part();
        try
        {
            await Eventually.Async(async () => await HealthAsync(victim) == HttpStatusCode.ServiceUnavailable, s_limit, "the replica to say that it cannot serve");
            await cluster.HealthyAsync(cluster.Replicas.Count - 1);
            await load.AcknowledgedAsync(Warm);
        }
        finally
        {
            pipe.Mend();
        }

        await cluster.HealthyAsync(cluster.Replicas.Count);
        await FinishAsync(load);
        Assert.Equal(opened, load.Opened);
    }

    [LongFact]
    public async Task A_replica_whose_clock_goes_back_an_hour_gets_nothing_new_and_its_streams_go_on()
    {
        var cluster = await WholeAsync();
        using var clock = new SteppedClock();
        var victim = cluster.Add("late");
        foreach (var (key, value) in clock.Environment)
        {
            victim.Changes[key] = value;
        }

        await victim.StartAsync();
        await cluster.HealthyAsync(cluster.Replicas.Count);
        // Until the gateway notices, the replica takes its requests for old ones.
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address, Subscribers, alsoRepeated: HttpStatusCode.Forbidden);
        await load.AcknowledgedAsync(Warm);
        Assert.True(load.ServedBy(victim.Name) > 0, $"Nobody is served by {victim.Name}.");
        var opened = load.Opened;

        clock.Step(-TimeSpan.FromHours(1));
        try
        {
            await cluster.HealthyAsync(cluster.Replicas.Count - 1);
            await load.AcknowledgedAsync(Warm);
        }
        finally
        {
            clock.Step(TimeSpan.Zero);
        }

        await cluster.HealthyAsync(cluster.Replicas.Count);
        await FinishAsync(load);
        Assert.Equal(opened, load.Opened);
    }

    [LongFact]
    public async Task Clocks_of_all_services_that_go_back_an_hour_lose_nothing()
    {
        using var clock = new SteppedClock();
        await using var redis = new RedisServer();
        await using var cluster = await ServiceCluster.StartAsync(redis, new ServiceClusterOptions
        {
            Replicas = 2,
            Settings = [.. clock.Environment],
        });
        // Not all of them read the time in the same moment.
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address, Subscribers, alsoRepeated: HttpStatusCode.Forbidden);
        await load.AcknowledgedAsync(Warm);

        clock.Step(-TimeSpan.FromHours(1));

        await load.AcknowledgedAsync(4 * Warm);
        await cluster.HealthyAsync(cluster.Replicas.Count);
        await load.AcknowledgedAsync(Warm);
        await FinishAsync(load);
    }

    [LongFact]
    public async Task A_full_disk_of_Redis_refuses_publishes_ends_no_stream_and_loses_nothing()
    {
        await using var disk = await SmallDisk.MountAsync();
        await using var redis = new RedisServer("--appendonly", "yes", "--appendfsync", "everysec", "--dir", disk.Folder);
        await using var cluster = await ServiceCluster.StartAsync(redis, new ServiceClusterOptions { Replicas = 2 });
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address, Subscribers);
        await load.AcknowledgedAsync(Warm);
        var opened = load.Opened;
        using var client = new HttpClient { BaseAddress = cluster.Gateway.Address };

        disk.Fill();
        try
        {
            await Eventually.Async(async () => await PublishAsync() == HttpStatusCode.ServiceUnavailable, s_limit, "a publish to be refused");
            await Eventually.Async(async () => (await ReasonsAsync(cluster.Replicas[0])).Contains("cannot write to its disk", StringComparison.Ordinal), s_limit, "the replica to name the disk");
            Assert.Equal(HttpStatusCode.OK, await HealthAsync(cluster.Replicas[0]));
        }
        finally
        {
            disk.Free();
        }

        await load.AcknowledgedAsync(2 * Warm);
        await FinishAsync(load);
        Assert.Equal(opened, load.Opened);

        async Task<HttpStatusCode> PublishAsync()
        {
            using var answer = await client.PostAsync("/topics/other/events", new StringContent("x"), Cancellation);
            return answer.StatusCode;
        }
    }

    private Task<ServiceCluster> WholeAsync() => shared.WholeAsync(new ServiceClusterOptions { Piped = true });

    private static async Task FinishAsync(ChaosLoad load)
    {
        await load.AcknowledgedAsync(Warm);
        await load.FinishAsync();
        load.AssertFaultless(receipt => receipt.FindFault());
    }

    private static async Task<HttpStatusCode> HealthAsync(ServiceProcess service)
    {
        using var client = new HttpClient { BaseAddress = service.Address };
        using var answer = await client.GetAsync("/health", Cancellation);
        return answer.StatusCode;
    }

    private static async Task<string> ReasonsAsync(ServiceProcess service)
    {
        using var client = OperatorAccess.Client(service.Admin);
        using var answer = await client.GetAsync("/health", Cancellation);
        return await answer.Content.ReadAsStringAsync(Cancellation);
    }
}
