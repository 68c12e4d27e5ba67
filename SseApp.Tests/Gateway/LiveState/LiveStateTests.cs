using SseApp.Events.Replicas;
using SseApp.Gateway.LiveState;
using SseApp.Gateway.Operators;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Gateway.LiveState;

/// <summary>The stream that the operators' console is fed by.</summary>
public sealed class LiveStateTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private const string Path = "/admin/state";

    [Fact]
    public async Task It_begins_with_the_history_and_goes_on_each_second()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync();
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica");
        var viewer = Own(await SseReader.OpenAsync(gateway.Admin, Path));

        Assert.Equal("history", (await viewer.NextAsync())?.Type);
        var first = await StateAsync(viewer);
        // What does not change is sent once, so the next is the next second's.
        Assert.Equal(["alerts", "actions", "reload"], [(await viewer.NextAsync())!.Type, (await viewer.NextAsync())!.Type, (await viewer.NextAsync())!.Type]);
        var second = await StateAsync(viewer);

        Assert.True(At(second) > At(first), "The second point is not a later one.");
        Assert.Equal("r1", Assert.Single(second.GetProperty("list").EnumerateArray()).GetProperty("id").GetString());
        Assert.Equal("available", second.GetProperty("registry").GetString());
        Assert.True(viewer.Retry > 0, "A viewer is told when to come back.");
    }

    [Fact]
    public async Task It_tells_what_the_replicas_do_in_a_second()
    {
        await redis.RequireAsync();
        var prefix = Guid.NewGuid().ToString("N");
        var replica = Own(await EventsHost.StartAsync(redis, prefix));
        var gateway = Own(await GatewayHost.StartAsync(null, new Dictionary<string, string?> { ["ConnectionStrings:redis"] = redis.ConnectionString, ["Cluster:KeyPrefix"] = prefix }));
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica");
        var viewer = Own(await SseReader.OpenAsync(gateway.Admin, Path));
        var reader = Own(await SseReader.OpenAsync(gateway.Client, "/events?topic=a"));
        await reader.OpenedAsync();
        await Own(await SseReader.OpenAsync(gateway.Client, "/events?topic=a", "unknown")).OpenedAsync();

        // Until each has been seen, in whatever second.
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var seconds = 0; !seen.IsSupersetOf(["published", "delivered", "reconnects", "gaps"]); seconds++)
        {
            Assert.True(seconds < 60, $"Only {string.Join(", ", seen)} were seen.");
            using var stored = await replica.PublishAsync("a", "x");
            await Own(await SseReader.OpenAsync(gateway.Client, "/events?topic=a", "unknown")).OpenedAsync();
            var state = await StateAsync(viewer);
            var columns = state.GetProperty("columns").EnumerateArray().Select(column => column.GetString()!).ToArray();
            var point = state.GetProperty("point");
            seen.UnionWith(columns.Where((column, index) => point[index].ValueKind == JsonValueKind.Number && point[index].GetDouble() > 0));
            Assert.DoesNotContain("refused", seen);
        }

        Assert.Equal(replica.Get<ReplicaIdentity>().Id, Assert.Single((await StateAsync(viewer)).GetProperty("list").EnumerateArray()).GetProperty("id").GetString());
    }

    [Fact]
    public async Task Streams_of_a_replica_that_died_are_gone_before_its_record_is()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync();
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica");
        using var streams = await OpenStreams.OpenAsync(Enumerable.Repeat(gateway.Client, 3));
        await Registry.WriteAsync(origin.Record with { Connections = 3 }, announce: true, Cancellation);
        var viewer = Own(await SseReader.OpenAsync(gateway.Admin, Path));
        await UntilOpenAsync(viewer, 3);

        await origin.KillAsync();

        await UntilOpenAsync(viewer, 0);
        Assert.Equal(3, Assert.Single((await StateAsync(viewer)).GetProperty("list").EnumerateArray()).GetProperty("connections").GetInt32());
    }

    [Fact]
    public async Task One_viewer_more_than_may_be_is_told_so_and_comes_in_when_another_has_left()
    {
        var gateway = await GatewayAsync(("LiveState:MaxViewers", "1"));
        var first = await SseReader.OpenAsync(gateway.Admin, Path);
        Assert.Equal("history", (await first.NextAsync())?.Type);

        await using (var second = await SseReader.OpenAsync(gateway.Admin, Path))
        {
            Assert.Equal(HttpStatusCode.OK, second.Response.StatusCode);
            var refused = await second.NextAsync();
            Assert.Equal(("stream.unavailable", "viewers"), (refused!.Type, JsonElement.Parse(refused.Data).GetProperty("reason").GetString()));
            Assert.Null(await second.NextAsync());
        }

        // Who asks once holds nothing.
        var once = await gateway.Admin.GetFromJsonAsync<JsonElement>(Path, Cancellation);
        Assert.Equal(1, once.GetProperty("gateway").GetProperty("viewers").GetInt32());
        await first.DisposeAsync();
        await Eventually.Async(
            async () =>
            {
                await using var again = await SseReader.OpenAsync(gateway.Admin, Path);
                return (await again.NextAsync())?.Type == "history";
            },
            TimeSpan.FromSeconds(20),
            "the place of the viewer that left");
    }

    /// <summary>Its place is one of few, and what it does not take is held for it.</summary>
    [Fact]
    public async Task A_viewer_that_takes_nothing_is_left_after_ten_seconds()
    {
        // A frame of some length, so that a few of them fill what the system buffers.
        for (var i = 0; i < 200; i++)
        {
            await Registry.WriteAsync(
                new ReplicaRecord { Id = $"r{i}", Address = new Uri("http://127.0.0.1:1/"), State = ReplicaState.Draining, Version = new string('1', 500) }, announce: false, Cancellation);
        }

        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var gateway = await GatewayAsync(time, ("LiveState:MaxViewers", "1"));
        using var viewer = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await viewer.ConnectAsync(IPAddress.Loopback, gateway.Admin.BaseAddress!.Port, Cancellation);
        await viewer.SendAsync(Encoding.ASCII.GetBytes($"GET {Path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer {OperatorAccess.Key.Text}\r\n\r\n"), Cancellation);
        await Eventually.Async(async () => await ViewersAsync(gateway) == 1, TimeSpan.FromSeconds(20), "the viewer");

        await Eventually.Async(
            async () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return await ViewersAsync(gateway) == 0;
            },
            TimeSpan.FromSeconds(60),
            "the end of the viewer");
        var next = Own(await SseReader.OpenAsync(gateway.Admin, Path));
        Assert.Equal("history", (await next.NextAsync())?.Type);
    }

    [Fact]
    public void Rates_go_on_when_the_clock_of_a_replica_was_set_back()
    {
        var time = new FakeTimeProvider();
        var rates = new ReplicaRates(Beat(0, 0), time.GetTimestamp());
        rates.Take(Beat(1, 5), time, TimeSpan.FromSeconds(3));
        Assert.Equal(5, rates.Current?.Published);

        rates.Take(Beat(-3600, 10), time, TimeSpan.FromSeconds(3));
        Assert.Null(rates.Current);
        rates.Take(Beat(-3599, 17), time, TimeSpan.FromSeconds(3));
        Assert.Equal(7, rates.Current?.Published);

        static ReplicaRecord Beat(int seconds, long published) => new()
        {
            Id = "r1",
            Address = new Uri("http://127.0.0.1:1/"),
            State = ReplicaState.Ready,
            Published = published,
            HeartbeatAt = DateTimeOffset.UnixEpoch.AddDays(1).AddSeconds(seconds),
        };
    }

    [Fact]
    public async Task It_ends_with_a_word_when_the_gateway_stops()
    {
        var gateway = await GatewayAsync();
        var viewer = Own(await SseReader.OpenAsync(gateway.Admin, Path));
        Assert.Equal("history", (await viewer.NextAsync())?.Type);

        var stopping = gateway.StopAsync();

        SseEvent? last = null;
        for (var next = await viewer.NextAsync(); next is not null; next = await viewer.NextAsync())
        {
            last = next;
        }

        Assert.Equal(("stream.unavailable", "gateway-stopping"), (last!.Type, JsonElement.Parse(last.Data).GetProperty("reason").GetString()));
        await stopping;
    }

    [Fact]
    public async Task It_ends_for_an_operator_whose_token_is_revoked_and_goes_on_for_the_others()
    {
        await redis.RequireAsync();
        var gateway = Own(await GatewayHost.StartAsync(
            null,
            Tokens.Settings.Append(("ConnectionStrings:redis", redis.ConnectionString)).Append(("Cluster:KeyPrefix", Guid.NewGuid().ToString("N")))
                .ToDictionary(setting => setting.Item1, setting => (string?)setting.Item2)));
        await UntilAsync(() => gateway.Get<Revocations>().IsRead, "the revocations to be read");
        using var ann = OperatorAccess.Client(gateway.Admin.BaseAddress!, Tokens.Make([], sub: "ann", change: claims => claims["scope"] = Grants.AdminScope));
        var viewer = Own(await SseReader.OpenAsync(ann, Path));
        var other = Own(await SseReader.OpenAsync(gateway.Admin, Path));
        Assert.Equal("history", (await viewer.NextAsync())?.Type);
        // A token that may only measure sees none of it.
        using var prometheus = OperatorAccess.Client(gateway.Admin.BaseAddress!, Tokens.Make([], sub: "prometheus", change: claims => claims["scope"] = Grants.MetricsScope));
        using var refused = await prometheus.GetAsync(Path, Cancellation);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);

        using var revoked = await gateway.Admin.PostAsJsonAsync("/admin/revocations", new { sub = "ann" }, Cancellation);

        revoked.EnsureSuccessStatusCode();
        SseEvent? last = null;
        for (var next = await viewer.NextAsync(); next is not null; next = await viewer.NextAsync())
        {
            last = next;
        }

        Assert.Equal(("stream.unauthorized", "token-revoked"), (last!.Type, JsonElement.Parse(last.Data).GetProperty("reason").GetString()));
        // What somebody did is among the actions of the others, and reading is not.
        var actions = await NextAsync(
            other, "actions", list => list.EnumerateArray().Any(action => action.GetProperty("what").GetString()!.StartsWith("/admin/revocations", StringComparison.Ordinal)));
        Assert.All(actions.EnumerateArray(), action => Assert.NotEqual("GET 200", $"{action.GetProperty("method")} {action.GetProperty("status")}"));
    }

    [Fact]
    public async Task A_reload_that_any_gateway_runs_is_told_as_it_goes_on()
    {
        await redis.RequireAsync();
        var prefix = Guid.NewGuid().ToString("N");
        var gateway = Own(await GatewayHost.StartAsync(null, new Dictionary<string, string?> { ["ConnectionStrings:redis"] = redis.ConnectionString, ["Cluster:KeyPrefix"] = prefix }));
        var viewer = Own(await SseReader.OpenAsync(gateway.Admin, Path));
        Assert.Equal(JsonValueKind.Null, (await NextAsync(viewer, "reload", _ => true)).ValueKind);
        var now = TimeProvider.System.GetUtcNow();
        var status = new ReloadStatus
        {
            Id = "one",
            State = ReloadState.Running,
            Trigger = "operator",
            Gateway = "another",
            StartedAt = now,
            UpdatedAt = now,
            Detail = "Reloading 2 replicas, one at a time.",
            Steps = [new ReloadStep("r1", ReloadState.Running), new ReloadStep("r2", ReloadState.Pending)],
        };

        await gateway.Get<ReloadStore>().WriteAsync(status, Cancellation);
        var running = await NextAsync(viewer, "reload", reload => reload.ValueKind == JsonValueKind.Object);
        await gateway.Get<ReloadStore>().WriteAsync(status with { State = ReloadState.Succeeded, FinishedAt = now }, Cancellation);
        await NextAsync(viewer, "reload", reload => reload.GetProperty("state").GetString() == "succeeded");

        Assert.Equal(["running", "pending"], running.GetProperty("steps").EnumerateArray().Select(step => step.GetProperty("state").GetString()));
    }

    [Fact]
    public void The_history_has_a_quarter_of_an_hour_and_no_more()
    {
        var history = new ClusterHistory();
        for (var second = 0; second < 2 * ClusterHistory.Length; second++)
        {
            // Each replica lives for ten seconds, as in a crash loop.
            history.Add(new ClusterPoint { At = DateTimeOffset.UnixEpoch.AddSeconds(second), Replicas = [new ReplicaPoint($"r{second / 10}", second, 1)] });
        }

        var (json, last) = history.Write();

        Assert.Equal(2 * ClusterHistory.Length, last);
        var written = JsonElement.Parse(json);
        Assert.Equal(ClusterHistory.Length, written.GetProperty("points").GetArrayLength());
        Assert.Equal(ClusterHistory.Length / 10, written.GetProperty("replicas").GetArrayLength());
        var newest = written.GetProperty("points")[ClusterHistory.Length - 1];
        Assert.Equal(written.GetProperty("columns").GetArrayLength() + 1, newest.GetArrayLength());
        Assert.Equal([89, (2 * ClusterHistory.Length) - 1, 1], newest[newest.GetArrayLength() - 1][0].EnumerateArray().Select(number => number.GetInt32()));
    }

    private static long At(JsonElement state) => state.GetProperty("point")[0].GetInt64();

    private static Task<JsonElement> StateAsync(SseReader viewer) => NextAsync(viewer, "state", _ => true);

    private static Task<JsonElement> UntilOpenAsync(SseReader viewer, int streams) =>
        NextAsync(viewer, "state", state => state.GetProperty("list").EnumerateArray().Sum(replica => replica.GetProperty("open").GetInt32()) == streams);

    private static async Task<JsonElement> NextAsync(SseReader viewer, string type, Func<JsonElement, bool> fits)
    {
        for (var seconds = 0; seconds < 120; seconds++)
        {
            var next = await viewer.NextAsync() ?? throw new InvalidOperationException($"The stream ended before a fitting '{type}' came.");
            if (next.Type == type && JsonElement.Parse(next.Data) is var data && fits(data))
            {
                return data;
            }
        }

        throw new TimeoutException($"No '{type}' that fits came.");
    }

    private static async Task<int> ViewersAsync(GatewayHost gateway) =>
        (await gateway.Admin.GetFromJsonAsync<JsonElement>(Path, Cancellation)).GetProperty("gateway").GetProperty("viewers").GetInt32();
}
