namespace SseApp.Tests.Gateway.Alerts;

/// <summary>Real replicas, gateways and Redis as processes; they are killed and frozen.</summary>
public sealed class AlertsOnRedisTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly string _prefix = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Two_gateways_tell_a_killed_replica_and_its_return_once()
    {
        await redis.RequireAsync();
        var webhook = Own(await WebhookReceiver.StartAsync());
        var replica = await ReplicaAsync("r1");
        await ReplicaAsync("r2");
        await using var first = await ReadyGatewayAsync(webhook, 2);
        await using var second = await ReadyGatewayAsync(webhook, 2);

        await replica.Process.KillAsync();
        await webhook.UntilAsync("firing replica-lost:r1");
        await replica.StartAsync();
        await webhook.UntilAsync("resolved replica-lost:r1");

        foreach (var gateway in new[] { first, second })
        {
            await Eventually.Async(
                async () => (await AlertsAsync(gateway, "recent")).Length == 1 && (await AlertsAsync(gateway, "active")).Length == 0,
                s_limit,
                "both gateways to show the alert as over");
        }

        Assert.Equal(["firing replica-lost:r1", "resolved replica-lost:r1"], webhook.Notices());
    }

    [LongFact]
    public async Task An_outage_of_Redis_is_reported_by_each_gateway_and_its_end_once_and_streams_stay()
    {
        await redis.RequireAsync();
        var webhook = Own(await WebhookReceiver.StartAsync());
        var replica = Own(await EventsHost.StartAsync(redis, _prefix, ("RedisHealth:GracePeriod", "00:00:02"), ("ReplicaRegistry:Expiry", "00:00:02")));
        await using var first = await ReadyGatewayAsync(webhook, 1);
        await using var second = await ReadyGatewayAsync(webhook, 1);
        await using var reader = await SseReader.OpenAsync(first.Client, "/events?topic=outage");
        await reader.OpenedAsync();

        await redis.KillAsync();
        await Eventually.Async(() => webhook.Notices().Count(notice => notice == "firing redis-unavailable") == 2, s_limit, "both gateways to report that Redis is unavailable");
        await Eventually.Async(async () => await StatusAsync(replica.Client) == "unhealthy", s_limit, "the replica to be unready after the grace period");
        await Eventually.Async(async () => await StatusAsync(first.Client) is "degraded" or "unhealthy", s_limit, "the gateway to say so");

        await redis.RequireAsync();
        await webhook.UntilAsync("resolved redis-unavailable");
        await Eventually.Async(async () => await StatusAsync(replica.Client) == "healthy", s_limit, "the replica to be ready again");
        await Eventually.Async(async () => await PublishedAsync(first, "outage", "after"), s_limit, "publishing to work again");
        Assert.Equal("after", await DataAsync(reader));
        await Eventually.Async(async () => (await AlertsAsync(second, "active")).Length == 0, s_limit, "no alert to be left");
        Assert.Single(webhook.Notices(), "resolved redis-unavailable");
        Assert.DoesNotContain(webhook.Notices(), notice => notice.Contains("replica-lost", StringComparison.Ordinal));
    }

    [LongFact]
    public async Task Health_answers_in_time_while_Redis_hangs()
    {
        await using var own = new RedisServer();
        await own.RequireAsync();
        var replica = Own(await EventsHost.StartAsync(own, _prefix));
        Assert.Equal("healthy", await StatusAsync(replica.Client));

        own.Freeze();
        try
        {
            // The client's own limit is 15 s, that of Redis' client 5 s; the answer says that it gave up before.
            var health = await HealthAsync(replica.Admin);
            var state = health.GetProperty("dependencies").GetProperty("redis");
            Assert.Equal("degraded", state.GetProperty("status").GetString());
            Assert.InRange(state.GetProperty("latencyMs").GetDouble(), 1000, 2500);
        }
        finally
        {
            own.Thaw();
        }

        await Eventually.Async(async () => await StatusAsync(replica.Client) == "healthy", s_limit, "health after Redis goes on");
    }

    private async Task<ServiceProcess> ReplicaAsync(string name)
    {
        var replica = Own(new ServiceProcess(name, "SseApp.Events", new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ConnectionStrings__redis"] = redis.ConnectionString,
            ["Cluster__KeyPrefix"] = _prefix,
            ["ReplicaRegistry__HeartbeatInterval"] = "00:00:00.300",
            ["ReplicaRegistry__Expiry"] = "00:00:02",
        }));
        await replica.StartAsync();
        return replica;
    }

    private async Task<GatewayHost> ReadyGatewayAsync(WebhookReceiver webhook, int replicas)
    {
        var gateway = await GatewayHost.StartAsync(null, new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["ConnectionStrings:redis"] = redis.ConnectionString,
            ["Cluster:KeyPrefix"] = _prefix,
            ["ReplicaRegistry:Expiry"] = "00:00:02",
            ["Alerts:WebhookUrl"] = webhook.Url,
            ["Alerts:Format"] = "Json",
            ["Alerts:EvaluateEvery"] = "00:00:00.200",
            ["Alerts:StartupGrace"] = "00:00:00",
            ["Alerts:NoReplicaFor"] = "00:05:00",
            ["Alerts:SlowFor"] = "00:05:00",
            ["Alerts:RedisUnavailableFor"] = "00:00:00.500",
        });
        await UntilAsync(() => gateway.AvailableReplicas() == replicas, $"{replicas} replicas to be routed to");
        return gateway;
    }

    private static async Task<JsonElement[]> AlertsAsync(GatewayHost gateway, string list) =>
        [.. (await gateway.Admin.GetFromJsonAsync<JsonElement>("/admin/alerts", Cancellation)).GetProperty(list).EnumerateArray()];

    private static async Task<JsonElement> HealthAsync(HttpClient client)
    {
        using var answer = await client.GetAsync("/health", Cancellation);
        return await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
    }

    private static async Task<string?> StatusAsync(HttpClient client) => (await HealthAsync(client)).GetProperty("status").GetString();

    private static async Task<bool> PublishedAsync(GatewayHost gateway, string topic, string data)
    {
        using var content = new StringContent(data);
        using var answer = await gateway.Client.PostAsync($"/topics/{topic}/events", content, Cancellation);
        return answer.IsSuccessStatusCode;
    }

    // Redis restarted empty, so a gap comes before the event.
    private static async Task<string?> DataAsync(SseReader reader)
    {
        while (await reader.NextAsync(s_limit) is { } next)
        {
            if (next.Type != "stream.gap")
            {
                return next.Data;
            }
        }

        return null;
    }
}
