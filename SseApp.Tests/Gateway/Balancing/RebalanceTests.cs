using SseApp.Tests.Chaos;

namespace SseApp.Tests.Gateway.Balancing;

/// <summary>Real replicas behind two real gateways: what a new replica, or one that was restarted last, gets of the streams.</summary>
public sealed class RebalanceTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private const int Clients = 60;

    private readonly string _prefix = Guid.NewGuid().ToString("N");

    [Theory]
    [InlineData("LeastConnections")]
    [InlineData("IpHash")]
    public async Task Streams_move_to_an_empty_replica_until_all_have_their_share_and_nobody_loses_an_event(string policy)
    {
        var replicas = new List<EventsHost> { await ReplicaAsync(), await ReplicaAsync() };
        GatewayHost[] gateways = [await GatewayAsync(policy, true), await GatewayAsync(policy, true)];
        foreach (var gateway in gateways)
        {
            await UntilAsync(() => gateway.AvailableReplicas() == 2, "2 replicas to be routed to");
        }

        using var publishing = new HttpClient { BaseAddress = gateways[0].Address };
        using var topic = new NumberedTopic("news", publishing);
        var receipts = Enumerable.Range(0, Clients).Select(i => new Receipt(topic, i)).ToArray();
        var clients = receipts.Select((receipt, i) => Own(EventSourceClient.Open(
            gateways[i % 2].Client, $"/events?topic=news&user={i}", received => receipt.Add(received.Data)))).ToArray();
        await UntilAsync(() => clients.All(client => client.Opened == 1), "all streams to open");

        replicas.Add(await ReplicaAsync());
        using var publishes = new CancellationTokenSource();
        var published = PublishAsync(topic, publishes.Token);
        var share = Clients / 3 * 1.25;
        await UntilAsync(
            () => replicas.TrueForAll(replica => Served(replica) is > 0 and var streams && streams <= share) && replicas.Sum(Served) == Clients,
            $"no replica to hold more than {share} streams");
        await publishes.CancelAsync();
        await published;
        await UntilAsync(() => Array.TrueForAll(receipts, receipt => receipt.Last == topic.Count - 1), "every event to arrive");

        // A third had to move; few more did, and nobody was sent on and on.
        Assert.InRange(clients.Sum(client => client.Opened - 1), 1, Clients / 2);
        Assert.All(clients, client => Assert.InRange(client.Opened, 1, 3));
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }

        Assert.All(receipts, receipt => Assert.Null(receipt.FindFault()));
    }

    [Fact]
    public async Task Nothing_moves_unless_the_gateway_says_so_whatever_a_client_says()
    {
        var full = await ReplicaAsync();
        var gateway = await GatewayAsync("LeastConnections", false);
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be routed to");
        using var client = new HttpClient { BaseAddress = gateway.Address };
        client.DefaultRequestHeaders.Add("Stream-Placement", "count");
        using var streams = await OpenStreams.OpenAsync(Enumerable.Repeat(client, 20));
        using var closed = full.Collect("sse_connections_closed_total");
        var empty = await ReplicaAsync();
        await UntilAsync(() => gateway.KnownConnections() == 20 && gateway.AvailableReplicas() == 2, "the reports of both");

        // Many times what the tests above need for their first move.
        using var sentinel = new PeriodicTimer(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        for (var beat = 0; beat < 20; beat++)
        {
            await sentinel.WaitForNextTickAsync(Cancellation);
            Assert.Equal((20, 0), (Served(full), Served(empty)));
        }

        Assert.Empty(closed.GetMeasurementSnapshot());
    }

    private static int Served(EventsHost replica) => (int)replica.Get<SseApp.Events.Diagnostics.EventsMetrics>().ActiveConnections;

    private static async Task PublishAsync(NumberedTopic topic, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await topic.PublishAsync(Cancellation);
        }
    }

    private async Task<EventsHost> ReplicaAsync() => Own(await EventsHost.StartAsync(
        redis,
        _prefix,
        ("ReplicaRegistry:HeartbeatInterval", "00:00:00.050"),
        ("Streaming:RebalanceRate", "1"),
        ("Streaming:RebalanceMinAge", "00:00:00.300"),
        ("Streaming:RebalanceRetry", "00:00:00.010")));

    private async Task<GatewayHost> GatewayAsync(string policy, bool rebalance) => Own(await GatewayHost.StartAsync(
        null,
        new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["ConnectionStrings:redis"] = redis.ConnectionString,
            ["Cluster:KeyPrefix"] = _prefix,
            ["Balancing:Policy"] = policy,
            ["Balancing:HashKey"] = "query:user",
            ["Balancing:Rebalance"] = rebalance.ToString(CultureInfo.InvariantCulture),
        }));
}
