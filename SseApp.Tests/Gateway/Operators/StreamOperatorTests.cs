using SseApp.Events.Replicas;
using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Tests.Gateway.Operators;

/// <summary>What operators see and do over all replicas, whichever gateway they ask.</summary>
public sealed class StreamOperatorTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private readonly string _prefix = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task One_replica_is_shown_with_everything_known_of_it_but_secrets()
    {
        await redis.RequireAsync();
        var replica = Own(await EventsHost.StartAsync(
            redis,
            _prefix,
            ("Streaming:MaxConnections", "1234"),
            ("Streaming:Overflow:0:Pattern", "news/*"),
            ("Replica:Weight", "3"),
            ("Replica:AdvertisedAddress", "http://admin:hunter2@127.0.0.1:1"),
            ("ReplicaRegistry:HeartbeatInterval", "00:00:00.200")));
        var gateway = Own(await GatewayHost.StartAsync(null, Settings()));
        var id = replica.Get<ReplicaIdentity>().Id;
        await UntilAsync(() => gateway.Get<ReplicaDirectory>().Replicas.Count == 1, "the replica");
        foreach (var (name, reason) in new[] { (id, "killed"), ("another", "aborted") })
        {
            using var _ = await gateway.Admin.PostAsJsonAsync("/admin/restarts", new { id = name, exitCode = -1, reason, stage = "Hung" }, Cancellation);
        }

        // Where the registry says that it is, nobody answers.
        var known = await GetAsync(gateway, $"/admin/replicas/{id}");
        Assert.False(known.GetProperty("reachable").GetBoolean());
        Assert.Equal(3, known.GetProperty("weight").GetInt32());
        var restart = Assert.Single(known.GetProperty("restarts").EnumerateArray());
        Assert.Equal(("killed", "Hung"), (restart.GetProperty("reason").GetString(), restart.GetProperty("stage").GetString()));

        // What it says of itself.
        var text = await replica.Admin.GetStringAsync("/admin/process", Cancellation);
        Assert.DoesNotContain("hunter2", text, StringComparison.Ordinal);
        Assert.DoesNotContain(redis.ConnectionString, text, StringComparison.Ordinal);
        var process = JsonDocument.Parse(text).RootElement;
        Assert.Equal(Environment.ProcessId, process.GetProperty("processId").GetInt32());
        Assert.True(process.GetProperty("openFiles").GetInt32() > 0);
        Assert.True(process.GetProperty("memory").GetProperty("workingSet").GetInt64() > 0);
        Assert.Equal(1234, process.GetProperty("limits").GetProperty("streams").GetInt32());
        Assert.True(process.GetProperty("limits").GetProperty("openFiles").GetInt64() > 0);
        var settings = process.GetProperty("settings").EnumerateArray().ToDictionary(
            setting => setting.GetProperty("name").GetString()!, setting => (setting.GetProperty("value").GetString(), setting.GetProperty("default").GetString()));
        Assert.Equal(("1234", "50000"), settings["Streaming:MaxConnections"]);
        Assert.Equal(("news/*", null), settings["Streaming:Overflow:0:Pattern"]);
        Assert.Equal(("00:00:00.2000000", "00:00:01"), settings["ReplicaRegistry:HeartbeatInterval"]);
        Assert.Equal(("http://127.0.0.1:1/", null), settings["Replica:AdvertisedAddress"]);
        Assert.DoesNotContain("Streaming:RetryMin", settings.Keys);
        // As it is for a replica by default, and not as it is for a gateway.
        Assert.DoesNotContain("Admin:Urls", settings.Keys);
    }

    [Fact]
    public async Task A_replica_that_answers_is_reachable_and_an_unknown_one_is_404()
    {
        var gateway = await ClusterAsync();
        var replica = (await GetAsync(gateway, "/admin/replicas"))[0].GetProperty("id").GetString();

        var details = await GetAsync(gateway, $"/admin/replicas/{replica}");

        Assert.True(details.GetProperty("reachable").GetBoolean());
        Assert.True(details.GetProperty("process").GetProperty("limits").GetProperty("streams").GetInt32() > 0);
        Assert.Empty(details.GetProperty("restarts").EnumerateArray());
        using var unknown = await gateway.Admin.GetAsync("/admin/replicas/nobody", Cancellation);
        Assert.Equal((HttpStatusCode.NotFound, "application/problem+json"), (unknown.StatusCode, unknown.Content.Headers.ContentType!.MediaType));
        Assert.Contains("nobody", await unknown.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Topics_are_listed_with_the_subscribers_and_rates_of_all_replicas_in_pages()
    {
        var gateway = await ClusterAsync();
        for (var i = 0; i < 4; i++)
        {
            await OpenAsync(gateway, "news/a", "news/b");
        }

        await OpenAsync(gateway, "other");
        for (var i = 0; i < 10; i++)
        {
            await PublishAsync(gateway, "news%2Fa");
        }

        var first = await GetAsync(gateway, "/admin/topics?limit=1");
        var topic = Assert.Single(first.GetProperty("topics").EnumerateArray());
        Assert.Equal(("news/a", 4), (topic.GetProperty("topic").GetString(), topic.GetProperty("subscribers").GetInt32()));
        var (publish, deliver) = (topic.GetProperty("publishRate").GetDouble(), topic.GetProperty("deliverRate").GetDouble());
        Assert.True(publish > 0, "The topic has events.");
        Assert.True(deliver > publish, $"Each of {publish}/s goes to four streams, not {deliver}/s.");

        var second = await GetAsync(gateway, $"/admin/topics?limit=5&after={Uri.EscapeDataString(first.GetProperty("next").GetString()!)}");
        Assert.Equal(["news/b", "other"], Names(second));
        Assert.Equal(JsonValueKind.Null, second.GetProperty("next").ValueKind);
        Assert.Equal(["other"], Names(await GetAsync(gateway, "/admin/topics?prefix=o")));
        using var bad = await gateway.Admin.GetAsync("/admin/topics?limit=0", Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
    }

    [Fact]
    public async Task The_busiest_topics_come_first_with_what_their_logs_hold()
    {
        var gateway = await ClusterAsync();
        // Names of any length fit into the questions to a replica.
        var quiet = Enumerable.Range(0, 30).Select(number => $"{number:00}{new string('/', 198)}").ToArray();
        await OpenAsync(gateway, [.. quiet]);
        for (var i = 0; i < 4; i++)
        {
            await OpenAsync(gateway, "z");
        }

        for (var i = 0; i < 10; i++)
        {
            await PublishAsync(gateway, "z");
        }

        var page = await GetAsync(gateway, "/admin/topics?sort=busiest&limit=40");

        var names = Names(page);
        Assert.Equal((31, "z"), (names.Length, names[0]));
        Assert.Equal(names, page.GetProperty("logs").EnumerateArray().Select(log => log.GetProperty("topic").GetString()));
        var log = page.GetProperty("logs")[0];
        Assert.Equal((1, 10), (log.GetProperty("firstOffset").GetInt32(), log.GetProperty("lastOffset").GetInt32()));
        Assert.True(TimeProvider.System.GetUtcNow() - log.GetProperty("newestAt").GetDateTimeOffset() < TimeSpan.FromMinutes(5));
        Assert.Equal(JsonValueKind.Null, page.GetProperty("logs")[1].GetProperty("epoch").ValueKind);
        Assert.Single((await GetAsync(gateway, "/admin/topics?sort=busiest&limit=40&prefix=z")).GetProperty("topics").EnumerateArray());
        foreach (var wrong in new[] { "sort=loudest", "sort=busiest&limit=101" })
        {
            using var bad = await gateway.Admin.GetAsync($"/admin/topics?{wrong}", Cancellation);
            Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
        }
    }

    [Fact]
    public async Task Connections_are_listed_by_replica_with_the_true_address_of_their_clients()
    {
        var gateway = await ClusterAsync();
        var opened = new Dictionary<string, string>();
        for (var i = 0; i < 4; i++)
        {
            var (id, replica, _) = await OpenAsync(gateway, "a", "b");
            opened[id] = replica;
        }

        await OpenAsync(gateway, "c");
        var found = new Dictionary<string, string>();
        string? next = "";
        while (next is not null)
        {
            var page = await GetAsync(gateway, $"/admin/connections?topic=b&limit=3{(next.Length == 0 ? "" : "&after=" + next)}");
            foreach (var connection in page.GetProperty("connections").EnumerateArray())
            {
                found.Add(connection.GetProperty("id").GetString()!, connection.GetProperty("replica").GetString()!);
                Assert.Equal("127.0.0.1", connection.GetProperty("client").GetString());
                Assert.Equal(["a", "b"], connection.GetProperty("topics").EnumerateArray().Select(topic => topic.GetString()));
                Assert.True(connection.GetProperty("connectedAt").GetDateTimeOffset() > DateTimeOffset.UnixEpoch.AddYears(50));
                Assert.Equal(0, connection.GetProperty("backlogBytes").GetInt64());
            }

            next = page.GetProperty("next").GetString();
        }

        Assert.Equal(opened.OrderBy(connection => connection.Key), found.OrderBy(connection => connection.Key));
        Assert.Equal(2, found.Values.Distinct().Count());
    }

    [Fact]
    public async Task A_connection_is_ended_with_a_retry_and_its_client_reconnects_and_misses_nothing()
    {
        var gateway = await ClusterAsync();
        var (id, _, reader) = await OpenAsync(gateway, "news");
        var (_, _, other) = await OpenAsync(gateway, "news");

        using (var answer = await gateway.Admin.PostAsync($"/admin/connections/{id}/disconnect", null, Cancellation))
        {
            Assert.Equal(1, (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("disconnected").GetInt32());
        }

        Assert.Null(await reader.NextAsync());
        Assert.InRange(reader.Retry ?? 0, 1, 60_000);
        await PublishAsync(gateway, "news");
        Assert.Equal("x", (await other.NextAsync())?.Data);
        var back = Own(await SseReader.OpenAsync(gateway.Client, "/events?topic=news", reader.LastEventId));
        Assert.True((await back.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal("x", (await back.NextAsync())?.Data);
        using var gone = await gateway.Admin.PostAsync($"/admin/connections/{id}/disconnect", null, Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        using var bad = await gateway.Admin.PostAsync("/admin/connections/nobody/disconnect", null, Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
    }

    [Fact]
    public async Task All_streams_of_a_topic_are_ended_on_every_replica_and_no_others()
    {
        var gateway = await ClusterAsync();
        var ended = new List<SseReader>();
        for (var i = 0; i < 4; i++)
        {
            ended.Add((await OpenAsync(gateway, "room/1", "all")).Reader);
        }

        var (_, _, other) = await OpenAsync(gateway, "all");

        using var answer = await gateway.Admin.PostAsync("/admin/topics/room%2F1/disconnect", null, Cancellation);

        Assert.Equal(4, (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("disconnected").GetInt32());
        foreach (var reader in ended)
        {
            Assert.Null(await reader.NextAsync());
        }

        await PublishAsync(gateway, "all");
        Assert.Equal("x", (await other.NextAsync())?.Data);
    }

    [Fact]
    public async Task A_client_that_is_disconnected_for_good_gets_a_last_event_and_its_reconnection_gets_204()
    {
        var gateway = await ClusterAsync();
        var (id, _, reader) = await OpenAsync(gateway, "news");

        using var answer = await gateway.Admin.PostAsync($"/admin/connections/{id}/disconnect?permanent=true", null, Cancellation);

        Assert.Equal("stream.closed", (await reader.NextAsync())?.Type);
        Assert.Null(await reader.NextAsync());
        var back = Own(await SseReader.OpenAsync(gateway.Client, "/events?topic=news", reader.LastEventId));
        Assert.Equal(HttpStatusCode.NoContent, back.Response.StatusCode);
    }

    [Fact]
    public async Task An_operator_deletes_a_topic_through_the_gateway_and_nobody_else_does()
    {
        var gateway = await ClusterAsync();
        await PublishAsync(gateway, "news%2Fx");

        Assert.Equal(HttpStatusCode.NotFound, await DeleteAsync(gateway.Client));
        Assert.Equal(HttpStatusCode.NotFound, await DeleteAsync(gateway.Client, ("Authorization", $"Bearer {OperatorAccess.Key.Text}")));
        var replica = (await GetAsync(gateway, "/admin/replicas"))[0].GetProperty("id").GetString()!;
        Assert.Equal(HttpStatusCode.NotFound, await DeleteAsync(
            gateway.Client, (RequestSignature.Header, ClusterKey.Requests.Sign("DELETE", "/topics/news%2Fx", replica, RequestPurpose.Operator))));
        Assert.Equal(HttpStatusCode.Forbidden, await DeleteAsync(gateway.Admin, ("Origin", "https://evil.test")));
        Assert.Equal(HttpStatusCode.OK, (await gateway.Client.GetAsync("/topics/news%2Fx/events", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, await DeleteAsync(gateway.Admin));
        Assert.Equal(HttpStatusCode.NotFound, await DeleteAsync(gateway.Admin));
    }

    [Fact]
    public async Task A_replica_obeys_no_command_that_no_gateway_signed()
    {
        await redis.RequireAsync();
        var replica = Own(await EventsHost.StartAsync(redis, _prefix));
        await using var reader = await replica.SubscribeAsync("news");

        using var answer = await replica.Client.PostAsync("/admin/topics/news/disconnect", null, Cancellation);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        using (await replica.PublishAsync("news", "still here"))
        {
            Assert.Equal("still here", (await reader.NextAsync())?.Data);
        }
    }

    [Fact]
    public async Task A_page_of_another_site_cannot_use_the_operators_browser()
    {
        var gateway = await ClusterAsync();
        var (_, _, reader) = await OpenAsync(gateway, "news");
        using var answer = await gateway.Admin.SendAsync(HttpMethod.Post, "/admin/topics/news/disconnect", ("Origin", "https://evil.test"));

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        await PublishAsync(gateway, "news");
        Assert.Equal("x", (await reader.NextAsync())?.Data);
    }

    [Fact]
    public async Task A_replica_that_does_not_answer_is_named()
    {
        var gateway = await ClusterAsync();
        await OpenAsync(gateway, "news");
        await using (var connection = await redis.ConnectAsync())
        {
            await ClusterKey.Registry(connection, _prefix, expiry: TimeSpan.FromMinutes(1)).WriteAsync(
                new ReplicaRecord { Id = "dead", Address = new Uri($"http://127.0.0.1:{Ports.Next()}"), State = ReplicaState.Ready },
                announce: true,
                Cancellation);
        }

        await UntilAsync(() => gateway.RoutedReplicas().Contains("dead"), "the replica that does not answer");

        var details = await GetAsync(gateway, "/admin/replicas/dead");
        Assert.Equal(("ready", false), (details.GetProperty("state").GetString(), details.GetProperty("reachable").GetBoolean()));
        Assert.Equal(JsonValueKind.Null, details.GetProperty("process").ValueKind);

        var page = await GetAsync(gateway, "/admin/topics");
        Assert.Equal(["news"], Names(page));
        Assert.Equal(["dead"], page.GetProperty("unreachable").EnumerateArray().Select(id => id.GetString()));
        using var missing = await gateway.Admin.PostAsync("/admin/connections/00000000000000ff/disconnect", null, Cancellation);
        Assert.Equal(HttpStatusCode.BadGateway, missing.StatusCode);
        Assert.Contains("dead", await missing.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/admin/topics?limit=abc", "The parameter limit is a whole number, and given once.")]
    [InlineData("GET", "/admin/topics?limit=1&limit=2", "The parameter limit is a whole number, and given once.")]
    [InlineData("POST", "/admin/topics/a/disconnect?permanent=1", "The parameter permanent is true or false, and given once.")]
    public async Task A_parameter_that_cannot_be_read_is_named(string method, string target, string detail)
    {
        var gateway = await GatewayOnRedisAsync(redis, _prefix, replicas: 0);

        using var answer = await gateway.Admin.SendAsync(new HttpRequestMessage(new HttpMethod(method), target), Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal(detail, (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("detail").GetString());
    }

    [Theory]
    [InlineData("GET", "/admin/topics?prefx=a", "There is no parameter 'prefx' here; did you mean 'prefix'? Allowed: prefix, after, limit, sort. Nothing was done.")]
    [InlineData("GET", "/admin/connections?limit=1&Topics=a", "There is no parameter 'Topics' here; did you mean 'topic'? Allowed: topic, after, limit. Nothing was done.")]
    [InlineData("GET", "/admin/replicas?limit=1", "There is no parameter 'limit' here. This takes none. Nothing was done.")]
    [InlineData("GET", "/admin/replicas/r1?x", "There is no parameter 'x' here. This takes none. Nothing was done.")]
    [InlineData("GET", "/admin/state?every=1", "There is no parameter 'every' here. This takes none. Nothing was done.")]
    [InlineData("POST", "/admin/topics/a/disconnect?permanant=true", "There is no parameter 'permanant' here; did you mean 'permanent'? Allowed: permanent. Nothing was done.")]
    [InlineData("POST", "/admin/replicas/r1/drain?fore=true", "There is no parameter 'fore' here; did you mean 'force'? Allowed: force. Nothing was done.")]
    [InlineData("POST", "/admin/reload?all=true", "There is no parameter 'all' here. This takes none. Nothing was done.")]
    [InlineData("DELETE", "/topics/a?key=user-1", "There is no parameter 'key' here. This takes none. Nothing was done.")]
    [InlineData("DELETE", "/topics/a/events?key=user-1&kye=b", "There is no parameter 'kye' here; did you mean 'key'? Allowed: key. Nothing was done.")]
    // What may be a secret without its name.
    [InlineData("GET", "/admin/alerts?c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldC0", "There is no parameter of this name here. This takes none. Nothing was done.")]
    public async Task A_parameter_that_nobody_reads_is_refused_and_named_with_the_nearest_one(string method, string target, string detail)
    {
        var gateway = await GatewayOnRedisAsync(redis, _prefix, replicas: 0);

        using var answer = await gateway.Admin.SendAsync(new HttpRequestMessage(new HttpMethod(method), target), Cancellation);

        Assert.Equal((HttpStatusCode.BadRequest, "application/problem+json"), (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType));
        Assert.Equal(detail, (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("detail").GetString());
    }

    [Fact]
    public async Task A_replica_refuses_operators_the_same_and_clients_nothing()
    {
        await redis.RequireAsync();
        var replica = Own(await EventsHost.StartAsync(redis, _prefix));
        foreach (var (method, target) in ((HttpMethod, string)[])[(HttpMethod.Get, "/admin/topics?prefx=a"), (HttpMethod.Delete, "/topics/a?key=user-1"), (HttpMethod.Get, "/admin/process?x=1")])
        {
            using var refused = await replica.Admin.SendAsync(new HttpRequestMessage(method, target), Cancellation);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains("There is no parameter '", await refused.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }

        // Caches are kept away by parameters that mean nothing.
        using var stored = await replica.Client.PostAsync("/topics/a/events?_=17", new StringContent("x"), Cancellation);
        Assert.Equal(HttpStatusCode.Created, stored.StatusCode);
        using var read = await replica.Client.GetAsync("/topics/a/events?_=17", Cancellation);
        Assert.Equal(HttpStatusCode.OK, read.StatusCode);
        using var measured = await replica.Admin.GetAsync("/metrics?name=x", Cancellation);
        Assert.Equal(HttpStatusCode.OK, measured.StatusCode);
    }

    private async Task<GatewayHost> ClusterAsync()
    {
        await redis.RequireAsync();
        for (var i = 0; i < 2; i++)
        {
            Own(await EventsHost.StartAsync(redis, _prefix));
        }

        var gateway = Own(await GatewayHost.StartAsync(null, Settings()));
        await UntilAsync(() => gateway.AvailableReplicas() == 2, "two replicas to be routed to");
        return gateway;
    }

    private Dictionary<string, string?> Settings() => new(StringComparer.OrdinalIgnoreCase)
    {
        ["ConnectionStrings:redis"] = redis.ConnectionString,
        ["Cluster:KeyPrefix"] = _prefix,
    };

    private async Task<(string Id, string Replica, SseReader Reader)> OpenAsync(GatewayHost gateway, params string[] topics)
    {
        var reader = Own(await SseReader.OpenAsync(
            gateway.Client, "/events?" + string.Join('&', topics.Select(topic => "topic=" + Uri.EscapeDataString(topic)))));
        var opened = await reader.OpenedAsync();
        return (opened.GetProperty("connection").GetString()!, opened.GetProperty("replica").GetString()!, reader);
    }

    private static async Task PublishAsync(GatewayHost gateway, string escapedTopic)
    {
        using var content = new StringContent("x");
        using var answer = await gateway.Client.PostAsync($"/topics/{escapedTopic}/events", content, Cancellation);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }

    private static Task<JsonElement> GetAsync(GatewayHost gateway, string path) => gateway.Admin.GetFromJsonAsync<JsonElement>(path, Cancellation);

    private static string?[] Names(JsonElement page) =>
        [.. page.GetProperty("topics").EnumerateArray().Select(topic => topic.GetProperty("topic").GetString())];

    private static async Task<HttpStatusCode> DeleteAsync(HttpClient client, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, "/topics/news%2Fx");
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var answer = await client.SendAsync(request, Cancellation);
        return answer.StatusCode;
    }
}
