using SseApp.Events.Replicas;

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

    /// <summary>Its disk is full, or too few of its own replicas follow it: nothing can be published, and who reads is served.</summary>
    [Theory]
    [InlineData("MISCONF")]
    [InlineData("NOREPLICAS")]
    public async Task While_redis_stores_nothing_streams_go_on_and_open_and_new_replicas_are_found(string refusal)
    {
        var remedy = refusal == "MISCONF" ? "cannot write to its disk" : "min-replicas-to-write";
        var folder = Directory.CreateTempSubdirectory("sse-disk-");
        try
        {
            await using var own = new RedisServer("--dir", folder.FullName);
            await using var operators = await own.ConnectAsync();
            var server = operators.GetServers()[0];
            // The expiry is short, so that the records are gone before the test ends.
            var expiry = ("ReplicaRegistry:Expiry", "00:00:02");
            await using var first = await EventsHost.StartAsync(own, _prefix, ("ReplicaRegistry:HeartbeatInterval", "00:00:00.200"), expiry, ("RedisHealth:GracePeriod", "00:00:01"));
            var gateway = Own(await GatewayHost.StartAsync(null, new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["ConnectionStrings:redis"] = own.ConnectionString,
                ["Cluster:KeyPrefix"] = _prefix,
                [expiry.Item1] = expiry.Item2,
                ["RedisHealth:GracePeriod"] = "00:00:01",
            }));
            await Eventually.Async(async () => (await ReplicasAsync(gateway)).Length == 1, TimeSpan.FromSeconds(20), "the gateway to know the replica");
            using (var content = new StringContent("1"))
            using (await gateway.Client.PostAsync("/topics/disk/events", content, Cancellation))
            {
            }

            if (refusal == "MISCONF")
            {
                // Where it saves to is no folder any more.
                folder.Delete(recursive: true);
                await server.ExecuteAsync("CONFIG", "SET", "save", "3600 1");
                await server.ExecuteAsync("BGSAVE");
            }
            else
            {
                await server.ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "1");
            }

            var database = operators.GetDatabase();
            await Eventually.Async(
                async () => await Record.ExceptionAsync(() => database.StringSetAsync("any", "1")) is { } exception && exception.Message.Contains(refusal, StringComparison.Ordinal),
                TimeSpan.FromSeconds(20), $"{refusal} from Redis");
            var record = $"{{{_prefix}:replicas}}:{first.Get<ReplicaIdentity>().Id}";
            await Eventually.Async(async () => !await database.KeyExistsAsync(record), TimeSpan.FromSeconds(20), "the record to expire");

            await using var second = await EventsHost.StartAsync(own, _prefix, ("ReplicaRegistry:HeartbeatInterval", "00:00:00.200"), expiry);
            await Eventually.Async(async () => (await ReplicasAsync(gateway)).Length == 2, TimeSpan.FromSeconds(20), "the replica that came meanwhile");
            await using var reader = await SseReader.OpenAsync(gateway.Client, "/events?topic=disk&lastEventId=earliest");
            await reader.OpenedAsync();
            Assert.Equal("1", (await reader.DataAsync(1))[0]);
            using var health = await gateway.Client.GetAsync("/health", Cancellation);
            Assert.Equal(HttpStatusCode.OK, health.StatusCode);
            // The grace for a Redis that does not answer is over; this one does.
            await Eventually.Async(
                async () =>
                {
                    using var mine = await first.Admin.GetAsync("/health", Cancellation);
                    var text = await mine.Content.ReadAsStringAsync(Cancellation);
                    return mine.StatusCode == HttpStatusCode.OK && text.Contains($"\"redis\":{{\"status\":\"{(refusal == "MISCONF" ? "degraded" : "healthy")}\"", StringComparison.Ordinal) && text.Contains("\"redis-rights\":{\"status\":\"degraded\"", StringComparison.Ordinal)
                        && (refusal != "MISCONF" || text[text.IndexOf("\"redis\":", StringComparison.Ordinal)..text.IndexOf("\"checks\":", StringComparison.Ordinal)].Contains(remedy, StringComparison.Ordinal));
                },
                TimeSpan.FromSeconds(20), "the replica to say what Redis lacks, and nothing else");
            // The publisher reads the same, by each way.
            foreach (var (path, body, type) in new[] { ("/topics/disk/events", "2", "text/plain"), ("/publish", "[{\"topic\":\"disk\",\"data\":2}]", "application/json") })
            {
                using var content = new StringContent(body, System.Text.Encoding.UTF8, type);
                using var refused = await gateway.Client.PostAsync(path, content, Cancellation);
                Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
                using var problem = JsonDocument.Parse(await refused.Content.ReadAsStringAsync(Cancellation));
                Assert.Contains(remedy, problem.RootElement.GetProperty("detail").GetString(), StringComparison.Ordinal);
            }
        }
        finally
        {
            if (folder.Exists && Directory.Exists(folder.FullName))
            {
                folder.Delete(recursive: true);
            }
        }
    }

    /// <summary>Databases have keys of their own and all channels in common: as those who have production and a trial on one server find out.</summary>
    [Fact]
    public async Task Clusters_in_two_databases_of_one_server_know_nothing_of_each_other()
    {
        await redis.RequireAsync();
        await using var first = await EventsHost.StartAsync(redis, _prefix);
        await using var other = await EventsHost.StartAsync($"{redis.ConnectionString},defaultDatabase=1", _prefix);
        await using var mine = await first.SubscribeAsync("news");
        await using var theirs = await other.SubscribeAsync("news");
        using var revoked = await first.Admin.PostAsync("/admin/revocations", new StringContent("""{"sub":"alice"}"""), Cancellation);
        Assert.Equal(HttpStatusCode.OK, revoked.StatusCode);
        using var published = await first.PublishAsync("news", "of the first");
        using var publishedThere = await other.PublishAsync("news", "of the other");
        Assert.Equal("of the first", (await mine.DataAsync(1))[0]);
        Assert.Equal("of the other", (await theirs.DataAsync(1))[0]);

        using var state = JsonDocument.Parse(await first.Client.GetStringAsync("/topics/news", Cancellation));
        Assert.Equal(1, state.RootElement.GetProperty("subscribedReplicas").GetInt32());
        using var list = JsonDocument.Parse(await other.Admin.GetStringAsync("/admin/revocations", Cancellation));
        Assert.Empty(list.RootElement.GetProperty("revocations").EnumerateArray());
    }

    private static async Task<string[]> ReplicasAsync(GatewayHost gateway)
    {
        using var list = JsonDocument.Parse(await gateway.Admin.GetStringAsync("/admin/replicas", Cancellation));
        return [.. list.RootElement.EnumerateArray().Select(replica => $"{replica.GetProperty("id")}")];
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

    private Task<GatewayHost> StartGatewayAsync(int replicas) => GatewayOnRedisAsync(redis, _prefix, replicas, ("Balancing:Policy", "LeastConnections"));
}
