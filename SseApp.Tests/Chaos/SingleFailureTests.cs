namespace SseApp.Tests.Chaos;

/// <summary>What the table of single failures in docs/operations.md says, where no other test does: real processes under a steady numbered publish.</summary>
public sealed class SingleFailureTests(FailureCluster shared) : IClassFixture<FailureCluster>
{
    private const int Warm = 250;
    private const int Subscribers = 60;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [LongFact]
    public async Task Streams_of_a_replica_that_the_gateway_cannot_reach_go_on_elsewhere_and_it_returns()
    {
        var cluster = await shared.WholeAsync();
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
        var cluster = await shared.WholeAsync();
        var victim = shared.Odd;
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address, Subscribers);
        await load.AcknowledgedAsync(Warm);
        Assert.True(load.ServedBy(victim.Name) > 0, $"Nobody is served by {victim.Name}.");
        var opened = load.Opened;

        shared.Pipe.Part();
        try
        {
            await Eventually.Async(async () => await HealthAsync(victim) == HttpStatusCode.ServiceUnavailable, s_limit, "the replica to say that it cannot serve");
            await cluster.HealthyAsync(cluster.Replicas.Count - 1);
            await load.AcknowledgedAsync(Warm);
        }
        finally
        {
            shared.Pipe.Mend();
        }

        await cluster.HealthyAsync(cluster.Replicas.Count);
        await FinishAsync(load);
        Assert.Equal(opened, load.Opened);
    }

    [LongFact]
    public async Task A_replica_whose_clock_goes_back_an_hour_gets_nothing_new_and_its_streams_go_on()
    {
        var cluster = await shared.WholeAsync();
        shared.OddClock.Require();
        var victim = shared.Odd;
        // Until the gateway notices, the replica takes its requests for old ones.
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address, Subscribers, alsoRepeated: HttpStatusCode.Forbidden);
        await load.AcknowledgedAsync(Warm);
        Assert.True(load.ServedBy(victim.Name) > 0, $"Nobody is served by {victim.Name}.");
        var opened = load.Opened;

        shared.OddClock.Step(-TimeSpan.FromHours(1));
        try
        {
            await cluster.HealthyAsync(cluster.Replicas.Count - 1);
            await load.AcknowledgedAsync(Warm);
        }
        finally
        {
            shared.OddClock.Step(TimeSpan.Zero);
        }

        await cluster.HealthyAsync(cluster.Replicas.Count);
        await FinishAsync(load);
        Assert.Equal(opened, load.Opened);
    }

    [LongFact]
    public async Task Clocks_of_all_services_that_go_back_an_hour_lose_nothing()
    {
        var cluster = await shared.WholeAsync();
        shared.Clock.Require();
        // Not all of them read the time in the same moment.
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address, Subscribers, alsoRepeated: HttpStatusCode.Forbidden);
        await load.AcknowledgedAsync(Warm);

        Step(-TimeSpan.FromHours(1));
        try
        {
            await load.AcknowledgedAsync(4 * Warm);
            await cluster.HealthyAsync(cluster.Replicas.Count);
            await load.AcknowledgedAsync(Warm);
        }
        finally
        {
            Step(TimeSpan.Zero);
        }

        await FinishAsync(load);

        void Step(TimeSpan offset)
        {
            shared.Clock.Step(offset);
            shared.OddClock.Step(offset);
        }
    }

    [LongFact]
    public async Task A_full_disk_of_Redis_refuses_publishes_ends_no_stream_and_loses_nothing()
    {
        var cluster = await shared.WholeAsync();
        shared.Disk.Require();
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address, Subscribers);
        await load.AcknowledgedAsync(Warm);
        var opened = load.Opened;
        using var client = new HttpClient { BaseAddress = cluster.Gateway.Address };

        shared.Disk.Fill();
        try
        {
            await Eventually.Async(async () => await PublishAsync() == HttpStatusCode.ServiceUnavailable, s_limit, "a publish to be refused");
            await Eventually.Async(async () => (await ReasonsAsync(cluster.Replicas[0])).Contains("cannot write to its disk", StringComparison.Ordinal), s_limit, "the replica to name the disk");
            Assert.Equal(HttpStatusCode.OK, await HealthAsync(cluster.Replicas[0]));
        }
        finally
        {
            shared.Disk.Free();
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
