using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.Tests.Events.Publishing;

/// <summary>What was acknowledged is kept, however much else is published: a full server takes no more, and says so.</summary>
public sealed class FullServerTests
{
    private const int EventBytes = 60_000;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("allkeys-lru")]
    [InlineData("volatile-ttl")]
    [InlineData("noeviction")]
    public async Task A_redis_that_fills_up_refuses_events_and_keeps_what_it_has(string policy)
    {
        await using var server = new RedisServer("--maxmemory", "24mb", "--maxmemory-policy", policy);
        await AssertKeepsAsync(server);
    }

    [Fact]
    public async Task A_garnet_that_fills_up_refuses_events_and_keeps_what_it_has()
    {
        await using var server = new GarnetServer("64m");
        await AssertKeepsAsync(server);
    }

    [Fact]
    public async Task A_garnet_has_room_again_when_topics_have_expired()
    {
        await using var server = new GarnetServer("64m");
        await using var host = await EventsHost.StartAsync(server, null, ("RedisMemory:CheckInterval", "00:00:00.200"), ("TopicLog:IdleExpiry", "00:00:05"));
        await FloodAsync(host, 0, new ConcurrentDictionary<string, int>());
        await Eventually.Async(
            async () =>
            {
                using var answer = await host.PublishAsync("later", "again");
                return answer.StatusCode == HttpStatusCode.Created;
            },
            s_limit,
            "the expired topics to be gone");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task All_logs_together_have_a_bound_beyond_which_events_are_refused_and_no_log_is_dropped(bool garnet)
    {
        const int Budget = 4 << 20;
        await using BackplaneServer server = garnet ? new GarnetServer() : new RedisServer();
        (string, string)[] settings = [("RedisMemory:CheckInterval", "00:00:00.200"), ("TopicLog:MaxTotalBytes", $"{Budget}")];
        await using var first = await EventsHost.StartAsync(server, null, settings);
        await using var second = await EventsHost.StartAsync(server, first.Prefix, settings);
        EventsHost[] hosts = [first, second];
        using var refusals = first.Collect("sse_publishes_refused_total");
        for (var i = 0; i < 3; i++)
        {
            using var kept = await first.PublishAsync($"kept-{i}", "kept");
            Assert.Equal(HttpStatusCode.Created, kept.StatusCode);
        }

        var stored = new ConcurrentDictionary<string, int>();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => FloodAsync(hosts[worker % 2], worker, stored)));

        // The bound, a sixteenth more for each replica, and what the servers' allocators round up to less.
        Assert.InRange(stored.Values.Sum(), Budget / 2 / EventBytes, Budget * 18 / 16 / EventBytes);
        Assert.Contains(refusals.GetMeasurementSnapshot(), refusal => refusal.Value > 0 && Equals(refusal.Tags["reason"], "storage-full"));
        foreach (var (topic, count) in stored.Concat(Enumerable.Range(0, 3).Select(i => KeyValuePair.Create($"kept-{i}", 1))))
        {
            await AssertHoldsAsync(second, topic, count);
        }

        await Eventually.Async(
            async () =>
            {
                using var refused = await second.PublishAsync("kept-0", new string('x', EventBytes));
                return refused.StatusCode == HttpStatusCode.InsufficientStorage
                    && (await refused.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("reason").GetString() == "storage-full";
            },
            s_limit,
            "a publish to be refused");
        using var batch = await first.Client.PostAsync(
            "/publish",
            new StringContent(string.Join('\n', Enumerable.Range(0, 8).Select(_ => $$"""{"topic":"kept-0","data":"{{new string('x', EventBytes)}}"}"""))),
            TestContext.Current.CancellationToken);
        var answer = await batch.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Contains(answer.GetProperty("results").EnumerateArray(), item => item.GetProperty("status").GetInt32() == 507 && item.GetProperty("reason").GetString() == "storage-full");

        foreach (var topic in stored.Keys)
        {
            await first.Admin.DeleteAsync($"/topics/{topic}", TestContext.Current.CancellationToken);
        }

        await Eventually.Async(
            async () =>
            {
                using var again = await second.PublishAsync("kept-0", "again");
                return again.StatusCode == HttpStatusCode.Created;
            },
            s_limit,
            "an event to be stored again");
    }

    [Fact]
    public async Task The_error_of_a_redis_that_others_filled_is_a_507_and_ends_nothing_else()
    {
        await using var server = new RedisServer("--maxmemory", "8mb", "--maxmemory-policy", "noeviction");
        (string, string)[] settings =
        [
            ("RedisMemory:WarnAt", "1"), ("RedisMemory:RefuseAt", "1"), ("RedisMemory:CheckInterval", "00:01:00"),
            ("ReplicaRegistry:HeartbeatInterval", "00:00:00.200"), ("ReplicaRegistry:Expiry", "00:00:02"),
        ];
        await using var host = await EventsHost.StartAsync(server, null, settings);
        await using var stream = await host.SubscribeAsync("kept");
        using (var first = await host.PublishAsync("kept", "first"))
        {
            Assert.Equal(HttpStatusCode.Created, first.StatusCode);
        }

        Assert.Equal("first", (await stream.NextAsync())?.Data);
        await using var others = await server.ConnectAsync();
        // More than it may hold, and that for sure: a server that is filled to the brim finds a little room now and then.
        await others.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "1");

        using var refused = await host.PublishAsync("kept", "second");
        await AssertFullAsync(refused);
        using var batch = await BatchAsync(host, "kept", "new");
        await AssertFullAsync(batch);
        using var mixed = await BatchAsync(host, "kept", "b!");
        await AssertFullAsync(mixed);
        await AssertHoldsAsync(host, "kept", 1);

        // The record of the replica would have expired several times meanwhile.
        var registry = host.Get<IReplicaRegistry>();
        var until = Stopwatch.GetTimestamp();
        await Eventually.Async(
            async () =>
            {
                Assert.Single(await registry.ReadAsync(TestContext.Current.CancellationToken));
                return Stopwatch.GetElapsedTime(until) > TimeSpan.FromSeconds(4);
            },
            s_limit,
            "two lives of a record");

        await others.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "8mb");
        using var again = await host.PublishAsync("kept", "third");
        Assert.Equal(HttpStatusCode.Created, again.StatusCode);
    }

    [Fact]
    public async Task A_limit_that_is_taken_away_while_the_server_runs_is_none()
    {
        await using var server = new RedisServer("--maxmemory", "8mb", "--maxmemory-policy", "noeviction");
        await using var host = await EventsHost.StartAsync(server, null, ("RedisMemory:CheckInterval", "00:00:00.100"));
        await using var others = await server.ConnectAsync();
        await others.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "1");
        await Eventually.Async(async () => await StatusAsync() == HttpStatusCode.InsufficientStorage, s_limit, "a refusal");

        await others.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "0");

        await Eventually.Async(async () => await StatusAsync() == HttpStatusCode.Created, s_limit, "room again");
        // What the log says of it.
        await Eventually.Async(
            () => host.Get<RedisMemory>().Reading.Fullness.Contains("without a limit of its memory", StringComparison.Ordinal), s_limit, "it to say that there is no limit");

        async Task<HttpStatusCode> StatusAsync()
        {
            using var answer = await host.PublishAsync("a", "b");
            return answer.StatusCode;
        }
    }

    /// <summary>Two replicas publish until they are refused; everything that one of them confirmed is still there.</summary>
    private static async Task AssertKeepsAsync(BackplaneServer server)
    {
        (string, string)[] settings = [("RedisMemory:CheckInterval", "00:00:00.200"), ("RedisMemory:AllowEviction", "true")];
        await using var first = await EventsHost.StartAsync(server, null, settings);
        await using var second = await EventsHost.StartAsync(server, first.Prefix, settings);
        EventsHost[] hosts = [first, second];
        using var refusals = first.Collect("sse_publishes_refused_total");
        await using var stream = await first.SubscribeAsync("idle-0");
        for (var i = 0; i < 3; i++)
        {
            using var idle = await first.PublishAsync($"idle-{i}", "kept");
            Assert.Equal(HttpStatusCode.Created, idle.StatusCode);
        }

        var stored = new ConcurrentDictionary<string, int>();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => FloodAsync(hosts[worker % 2], worker, stored)));

        Assert.True(refusals.GetMeasurementSnapshot().Sum(measurement => measurement.Value) > 0);
        Assert.InRange(stored.Values.Sum(), 50, 400);
        foreach (var (topic, count) in stored.Concat(Enumerable.Range(0, 3).Select(i => KeyValuePair.Create($"idle-{i}", 1))))
        {
            await AssertHoldsAsync(second, topic, count);
        }

        // Buffers of the server's connections come and go with the load, and with them room for an event or two.
        using var full = new CancellationTokenSource();
        var filling = FillAsync(second, full.Token);
        await Eventually.Async(
            async () =>
            {
                using var batch = await BatchAsync(second, "idle-0", "new");
                if (batch.StatusCode == HttpStatusCode.OK)
                {
                    return false;
                }

                await AssertFullAsync(batch);
                return true;
            },
            s_limit,
            "a batch to be refused");
        Assert.Equal("kept", (await stream.NextAsync())?.Data);
        await using var opened = await second.SubscribeAsync("idle-0");
        await Eventually.Async(
            async () =>
            {
                var health = await first.Admin.GetFromJsonAsync<JsonElement>("/health", TestContext.Current.CancellationToken);
                var memory = health.GetProperty("checks").GetProperty("redis-memory");
                Assert.InRange(memory.GetProperty("usedBytes").GetInt64(), 1, memory.GetProperty("limitBytes").GetInt64());
                return health.GetProperty("status").GetString() == "degraded"
                    && memory.GetProperty("description").GetString()!.Contains("publishes are refused with 507", StringComparison.Ordinal);
            },
            s_limit,
            "the health to say that publishes are refused");
        await full.CancelAsync();
        await filling;

        // Room again: what is no longer needed is deleted.
        foreach (var topic in stored.Keys.Append("filler"))
        {
            await first.Admin.DeleteAsync($"/topics/{topic}", TestContext.Current.CancellationToken);
        }

        await Eventually.Async(
            async () =>
            {
                using var answer = await second.PublishAsync("idle-0", "again");
                return answer.StatusCode == HttpStatusCode.Created;
            },
            s_limit,
            "an event to be stored again");
    }

    /// <summary>Publishes whenever there is room.</summary>
    private static async Task FillAsync(EventsHost host, CancellationToken stopped)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        while (!stopped.IsCancellationRequested)
        {
            using var answer = await host.PublishAsync("filler", new string('x', EventBytes));
            await pace.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private static async Task FloodAsync(EventsHost host, int worker, ConcurrentDictionary<string, int> stored)
    {
        var data = new string('x', EventBytes);
        for (var i = 0; i < 1_000; i++)
        {
            var topic = $"busy-{worker}-{i % 5}";
            using var answer = await host.PublishAsync(topic, data);
            if (answer.StatusCode != HttpStatusCode.Created)
            {
                await AssertFullAsync(answer);
                return;
            }

            stored.AddOrUpdate(topic, 1, (_, count) => count + 1);
        }

        Assert.Fail("Sixty megabytes were stored in less.");
    }

    private static async Task AssertFullAsync(HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.StatusCode == HttpStatusCode.InsufficientStorage, $"{(int)answer.StatusCode} {text}");
        var problem = JsonDocument.Parse(text).RootElement;
        Assert.Equal(PublishOutcome.NotStored, problem.GetProperty("outcome").GetString());
        Assert.Contains("TopicLog:MaxEvents", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    private static async Task AssertHoldsAsync(EventsHost host, string topic, int count)
    {
        var log = await host.Client.GetFromJsonAsync<JsonElement>($"/topics/{topic}/events?limit=1", TestContext.Current.CancellationToken);
        Assert.Equal((1, count), (log.GetProperty("firstOffset").GetInt32(), log.GetProperty("lastOffset").GetInt32()));
        Assert.True(log.GetProperty("events")[0].TryGetProperty("data", out _), log.ToString());
    }

    private static Task<HttpResponseMessage> BatchAsync(EventsHost host, params string[] topics) => host.Client.PostAsync(
        "/publish",
        new StringContent(string.Join('\n', topics.Select(topic => $$"""{"topic":"{{topic}}","data":"x"}"""))),
        TestContext.Current.CancellationToken);
}
