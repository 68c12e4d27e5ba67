namespace SseApp.Tests.Gateway.Replicas;

/// <summary>Real replicas behind the real gateway, found in a real Redis.</summary>
public sealed class GatewayOnRedisTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private readonly string _prefix = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task What_is_published_through_the_gateway_reaches_subscribers_on_every_replica()
    {
        await ReplicaAsync();
        await ReplicaAsync();
        await ReplicaAsync();
        var gateway = await StartGatewayAsync(3);
        var readers = new List<SseReader>();
        var replicas = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 6; i++)
        {
            var reader = Own(await SseReader.OpenAsync(gateway.Client, "/events?topic=news"));
            replicas.Add((await reader.OpenedAsync()).GetProperty("replica").GetString()!);
            readers.Add(reader);
        }

        Assert.Equal(3, replicas.Count);
        for (var i = 0; i < 20; i++)
        {
            using var content = new StringContent($"Zeile {i} · ä漢😀");
            using var response = await gateway.Client.PostAsync("/topics/news/events", content, Cancellation);
            Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        }

        string[] sent = [.. Enumerable.Range(0, 20).Select(i => $"Zeile {i} · ä漢😀")];
        foreach (var reader in readers)
        {
            Assert.Equal<string[]>(sent, [.. await reader.DataAsync(20)]);
        }

        using var list = JsonDocument.Parse(await gateway.Admin.GetStringAsync("/admin/replicas", Cancellation));
        Assert.True(replicas.SetEquals(list.RootElement.EnumerateArray().Select(replica => replica.GetProperty("id").GetString()!)), $"Listed: {list.RootElement}");
    }

    [Fact]
    public async Task A_replica_that_stops_leaves_and_the_others_serve_on()
    {
        var leaving = await ReplicaAsync();
        await ReplicaAsync();
        var gateway = await StartGatewayAsync(2);

        await leaving.StopAsync();

        await UntilAsync(() => gateway.RoutedReplicas().Count == 1, "the stopped replica to leave");
        for (var i = 0; i < 4; i++)
        {
            await using var reader = await SseReader.OpenAsync(gateway.Client, "/events?topic=news");
            await reader.OpenedAsync();
        }
    }

    [Fact]
    public async Task Streams_that_a_full_replica_refuses_are_opened_on_another()
    {
        Own(await EventsHost.StartAsync(redis, _prefix, ("Streaming:MaxConnections", "1"), ("Replica:Weight", "1000")));
        await ReplicaAsync();
        var gateway = await StartGatewayAsync(2);
        using var retries = new MetricProbe(gateway, "sse_gateway_retries_total");
        var replicas = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 6; i++)
        {
            // By its weight the full one is asked first each time.
            var reader = Own(await SseReader.OpenAsync(gateway.Client, "/events?topic=news"));
            replicas.Add((await reader.OpenedAsync()).GetProperty("replica").GetString()!);
        }

        Assert.Equal((2, 5), (replicas.Count, retries.Sum));
    }

    [Fact]
    public async Task The_gateway_goes_on_without_Redis_and_when_it_restarts_empty()
    {
        await using var ownRedis = new RedisServer();
        await ownRedis.RequireAsync();
        var origin = Own(await OriginHost.StartAsync("r1"));
        await using (var connection = await ownRedis.ConnectAsync())
        {
            await ClusterKey.Registry(connection, _prefix).WriteAsync(origin.Record, announce: true, Cancellation);
        }

        var gateway = Own(await GatewayHost.StartAsync(null, new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["ConnectionStrings:redis"] = ownRedis.ConnectionString,
            ["Cluster:KeyPrefix"] = _prefix,
            ["ReplicaRegistry:Expiry"] = "00:00:30",
        }));
        Assert.Equal("r1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));

        await ownRedis.KillAsync();
        await UntilHealthAsync(gateway, "degraded");
        Assert.Equal("r1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));

        await ownRedis.RequireAsync();
        await UntilHealthAsync(gateway, "healthy");
        Assert.Equal("r1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));
    }

    private static Task UntilHealthAsync(GatewayHost gateway, string status) => Eventually.Async(
        async () =>
        {
            // GetStringAsync throws unless the status is 200: the gateway stays ready all the time.
            using var health = JsonDocument.Parse(await gateway.Admin.GetStringAsync("/health", Cancellation));
            return string.Equals(health.RootElement.GetProperty("status").GetString(), status, StringComparison.Ordinal);
        },
        TimeSpan.FromSeconds(15),
        $"the gateway's health to be {status}");

    private async Task<EventsHost> ReplicaAsync() => Own(await EventsHost.StartAsync(redis, _prefix));

    private async Task<GatewayHost> StartGatewayAsync(int replicas)
    {
        var gateway = Own(await GatewayHost.StartAsync(null, new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["ConnectionStrings:redis"] = redis.ConnectionString,
            ["Cluster:KeyPrefix"] = _prefix,
            ["Balancing:Policy"] = "LeastConnections",
        }));
        await UntilAsync(() => gateway.AvailableReplicas() == replicas, $"{replicas} replicas to be routed to");
        return gateway;
    }
}
