using Microsoft.Extensions.DependencyInjection;
using SseApp.Gateway.Routing;
using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Gateway;

public sealed class LeastConnectionsTests : GatewayTest
{
    [Fact]
    public async Task Three_hundred_simultaneous_connects_from_one_address_spread_evenly_over_three_replicas()
    {
        OriginHost[] origins = [await OriginAsync("r1"), await OriginAsync("r2"), await OriginAsync("r3")];
        var gateway = await GatewayAsync();

        // Counts that come in mid-burst, each from another moment, must not tilt it.
        using var reporting = new CancellationTokenSource();
        var reports = ReportAsync(origins, reporting.Token);
        var clients = await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => OpenAsync(gateway)));

        await UntilAsync(() => origins.Sum(origin => origin.OpenStreams) == 300, "300 streams on the replicas");
        await reporting.CancelAsync();
        await reports;
        Assert.All(origins, origin => Assert.InRange(origin.OpenStreams, 97, 103));
        foreach (var client in clients)
        {
            client.Dispose();
        }
    }

    [Fact]
    public async Task A_replica_of_weight_three_gets_three_times_the_streams()
    {
        var heavy = await OriginAsync("r1", record => record with { Weight = 3 });
        var light = await OriginAsync("r2");
        var gateway = await GatewayAsync();

        var clients = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => OpenAsync(gateway)));

        await UntilAsync(() => heavy.OpenStreams + light.OpenStreams == 40, "40 streams on the replicas");
        Assert.InRange(heavy.OpenStreams, 28, 32);
        foreach (var client in clients)
        {
            client.Dispose();
        }
    }

    [Fact]
    public async Task Streams_that_came_through_other_gateways_count()
    {
        var busy = await OriginAsync("r1", record => record with { Connections = 20 });
        var idle = await OriginAsync("r2");
        var gateway = await GatewayAsync();

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
        var gateway = await GatewayAsync();
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
        var gateway = await GatewayAsync();

        var served = new List<string>();
        for (var i = 0; i < 20; i++)
        {
            served.Add(await gateway.Client.GetStringAsync("/topics/a", Cancellation));
        }

        Assert.InRange(served.Count(id => string.Equals(id, "r1", StringComparison.Ordinal)), 8, 12);
    }

    private async Task ReportAsync(OriginHost[] origins, CancellationToken cancellationToken)
    {
        try
        {
            for (var i = 0; ; i++)
            {
                await Registry.WriteAsync(origins[i % origins.Length].Record, announce: i % 2 == 0, cancellationToken);
                await Task.Delay(TimeSpan.FromMilliseconds(7), TimeProvider.System, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The burst is over.
        }
    }

    private static async Task<StreamClient> OpenAsync(GatewayHost gateway)
    {
        var client = await StreamClient.OpenAsync(gateway.Client);
        await client.ReadUntilAsync("stream.open");
        return client;
    }
}
