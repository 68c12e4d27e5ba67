using SseApp.Gateway.Replicas;

namespace SseApp.Tests.Gateway.Balancing;

public sealed class LeastConnectionsTests : GatewayTest
{
    [Fact]
    public async Task A_thousand_simultaneous_connects_from_one_address_spread_evenly_over_three_replicas()
    {
        OriginHost[] origins = [await OriginAsync("r1"), await OriginAsync("r2"), await OriginAsync("r3")];
        var gateway = await LeastConnectionsAsync();

        // Counts that come in mid-burst, each from another moment, must not tilt it.
        await using var reports = new ReplicaReports(Registry, origins);
        using var streams = await OpenStreams.OpenAsync(Enumerable.Repeat(gateway.Client, 1000));

        await UntilAsync(() => origins.Sum(origin => origin.OpenStreams) == 1000, "1 000 streams on the replicas");
        Assert.All(origins, origin => Assert.InRange(origin.OpenStreams, 323, 343));
    }

    [Fact]
    public async Task Two_gateways_at_once_spread_evenly_together()
    {
        OriginHost[] origins = [await OriginAsync("r1"), await OriginAsync("r2"), await OriginAsync("r3")];
        GatewayHost[] gateways = [await LeastConnectionsAsync(), await LeastConnectionsAsync()];

        // Neither knows yet what the other one has just placed.
        using var streams = await OpenStreams.OpenAsync(Enumerable.Range(0, 300).Select(i => gateways[i % 2].Client));
        await UntilAsync(() => origins.Sum(origin => origin.OpenStreams) == 300, "300 streams on the replicas");
        Assert.All(origins, origin => Assert.InRange(origin.OpenStreams, 96, 104));

        // One replica loses its streams. Both hear of that with the next reports, and neither makes up for it alone.
        origins[0].EndStreams();
        await UntilAsync(() => origins[0].OpenStreams == 0, "the streams of r1 to end");
        foreach (var origin in origins)
        {
            await Registry.WriteAsync(origin.Record, announce: true, Cancellation);
        }

        var known = origins.Sum(origin => origin.OpenStreams);
        await UntilAsync(() => gateways.All(gateway => gateway.KnownConnections() == known), $"both gateways to hear of {known} streams");
        using var more = await OpenStreams.OpenAsync(Enumerable.Range(0, 100).Select(i => gateways[i % 2].Client));
        await UntilAsync(() => origins.Sum(origin => origin.OpenStreams) == known + 100, "100 more streams on the replicas");
        Assert.All(origins, origin => Assert.InRange(origin.OpenStreams, 92, 108));
    }

    [Fact]
    public async Task A_replica_of_weight_three_gets_three_times_the_streams()
    {
        var heavy = await OriginAsync("r1", record => record with { Weight = 3 });
        var light = await OriginAsync("r2");
        var gateway = await LeastConnectionsAsync();

        using var streams = await OpenStreams.OpenAsync(Enumerable.Repeat(gateway.Client, 40));

        await UntilAsync(() => heavy.OpenStreams + light.OpenStreams == 40, "40 streams on the replicas");
        Assert.InRange(heavy.OpenStreams, 28, 32);
    }

    [Fact]
    public async Task Streams_that_came_through_other_gateways_count()
    {
        var busy = await OriginAsync("r1", record => record with { Connections = 20 });
        var idle = await OriginAsync("r2");
        var gateway = await LeastConnectionsAsync();

        var clients = new List<StreamClient>();
        for (var i = 0; i < 10; i++)
        {
            clients.Add(await OpenAsync(gateway));
        }

        Assert.Equal((0, 10), (busy.OpenStreams, idle.OpenStreams));
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Reports_of_different_age_do_not_tilt_the_balance()
    {
        var reported = await OriginAsync("r1");
        var unreported = await OriginAsync("r2");
        var gateway = await LeastConnectionsAsync();
        var clients = new List<StreamClient>();
        for (var i = 0; i < 20; i++)
        {
            clients.Add(await OpenAsync(gateway));
        }

        // One replica has reported the streams that this gateway knows of anyway; the other's report is older.
        Assert.Equal((10, 10), (reported.OpenStreams, unreported.OpenStreams));
        await Registry.WriteAsync(reported.Record, announce: true, Cancellation);
        var directory = gateway.Services.GetRequiredService<ReplicaDirectory>();
        await UntilAsync(() => directory.Replicas.Any(replica => replica.Connections == 10), "the report to come in");
        for (var i = 0; i < 10; i++)
        {
            clients.Add(await OpenAsync(gateway));
        }

        Assert.Equal((15, 15), (reported.OpenStreams, unreported.OpenStreams));
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Publishes_spread_although_one_replica_has_fewer_streams()
    {
        await OriginAsync("r1", record => record with { Connections = 1 });
        await OriginAsync("r2", record => record with { Connections = 50 });
        var gateway = await LeastConnectionsAsync();

        var served = new List<string>();
        for (var i = 0; i < 20; i++)
        {
            served.Add(await gateway.Client.GetStringAsync("/topics/a", Cancellation));
        }

        Assert.InRange(served.Count(id => string.Equals(id, "r1", StringComparison.Ordinal)), 8, 12);
    }

    private Task<GatewayHost> LeastConnectionsAsync() => GatewayAsync(("Balancing:Policy", "LeastConnections"));

    private static async Task<StreamClient> OpenAsync(GatewayHost gateway)
    {
        var client = await StreamClient.OpenAsync(gateway.Client);
        await client.ReadUntilAsync("stream.open");
        return client;
    }
}
