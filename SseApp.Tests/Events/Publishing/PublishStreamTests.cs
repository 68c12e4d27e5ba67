using SseApp.Events.Http;
using SseApp.Events.Replicas;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Protocol;
using SseApp.Tests.ServiceDefaults.Defaults.Http;

namespace SseApp.Tests.Events.Publishing;

/// <summary>A publish that streams: what its client learns while it goes on, and how it ends, at a replica and through a gateway.</summary>
public sealed class PublishStreamTests(RedisServer redis) : EdgeTest(redis)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Results_come_while_the_request_is_open_and_in_the_order_of_the_lines(bool gateway, bool http2)
    {
        var (address, replica) = await AddressAsync(gateway, http2);
        await using var exchange = await LineExchange.OpenAsync(address, http2);
        // The head comes before anything of the body.
        await exchange.BeginAsync();
        Assert.Equal((HttpStatusCode.OK, "application/x-ndjson"), (exchange.Status, exchange.ContentType));

        await exchange.SendAsync("""{"topic":"t","data":"1","idempotencyKey":"k"}""" + "\n");
        var first = await exchange.LineAsync();
        Assert.Equal((1, 201), (first.GetProperty("line").GetInt32(), Status(first)));
        var stored = first.GetProperty("events")[0];
        Assert.Equal(("t", 1), (stored.GetProperty("topic").GetString(), stored.GetProperty("offset").GetInt32()));
        var position = await replica.GetFromJsonAsync<JsonElement>("/topics/t/events", Cancellation);
        Assert.Equal(position.GetProperty("events")[0].GetProperty("id").GetString(), stored.GetProperty("id").GetString());
        Assert.Equal(position.GetProperty("epoch").GetString(), stored.GetProperty("epoch").GetString());

        // Half of a line is none; what repeats a key is not stored again.
        await exchange.SendAsync("""{"topic":"t","da""");
        await exchange.SendAsync("""ta":"2"}""" + "\r\n\n" + """{"topics":["t","u"],"data":{"n":3}}""" + "\r" + """{"topic":"t","data":"1","idempotencyKey":"k"}""" + "\n7\n" + """{"topic":"$","data":""}""" + "\n[]\n");
        int[] statuses = [201, 201, 200, 400, 400, 400];
        foreach (var (status, i) in statuses.Select((status, i) => (status, i)))
        {
            var line = await exchange.LineAsync();
            Assert.Equal((i + 2, status, status == 400), (line.GetProperty("line").GetInt32(), Status(line), line.TryGetProperty("error", out _)));
        }

        // The last line needs no end.
        await exchange.SendAsync("""{"topic":"t","data":"4"}""");
        await exchange.FinishAsync();
        var rest = await exchange.RestAsync();
        Assert.Equal(201, Status(rest[0]));
        AssertEnd(rest[^1], PublishStreamEnd.Complete, stored: 5, failed: 3);
        Assert.Equal(["1", "2", """{"n":3}""", "4"], await DataAsync(replica, "t"));
    }

    [Theory]
    [InlineData("text/plain", "application/x-ndjson")]
    [InlineData("application/x-ndjson", "*/*")]
    [InlineData("application/x-ndjson", "application/x-ndjson;q=0")]
    public async Task A_batch_of_lines_is_answered_once_unless_its_client_asks_for_lines(string contentType, string accept)
    {
        var (address, _) = await AddressAsync(gateway: true, http2: false);
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, "/publish")) { Content = new StringContent("""{"topic":"t","data":"1"}""" + "\n", Encoding.UTF8, contentType) };
        request.Headers.Accept.ParseAdd(accept);
        using var answer = await http.SendAsync(request, Cancellation);
        Assert.Equal(1, (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("stored").GetInt32());
    }

    [Fact]
    public async Task A_line_that_is_too_long_is_refused_and_harms_no_other()
    {
        var replica = Own(await EventsHost.StartAsync(Server, null, ("Publishing:MaxEventBytes", "10")));
        await using var exchange = await LineExchange.OpenAsync(replica.Address);
        await exchange.SendAsync("""{"topic":"t","data":"12345678901"}""" + "\n{\"topic\":\"t\",\"data\":\"");
        var part = new string('x', 64 * 1024);
        for (var i = 0; i < 16; i++)
        {
            await exchange.SendAsync(part);
        }

        await exchange.SendAsync("\"}\n" + """{"topic":"t","data":"1"}""" + "\n");
        foreach (var status in new[] { 413, 413, 201 })
        {
            Assert.Equal(status, Status(await exchange.LineAsync()));
        }

        // What it took is given back while the stream goes on.
        await Eventually.Async(() => replica.Get<RequestBudget>().Used <= 256 * 1024, s_limit, "the memory of the long line");
        await exchange.FinishAsync();
        AssertEnd((await exchange.RestAsync())[^1], PublishStreamEnd.Complete, stored: 1, failed: 2);
        await Eventually.Async(() => replica.Get<RequestBudget>().Used == 0, s_limit, "the memory of the stream");
    }

    [Fact]
    public async Task Topics_are_checked_line_by_line_and_a_credential_that_is_taken_back_ends_the_stream()
    {
        var replica = Own(await EventsHost.StartAsync(Server, null, Tokens.Settings));
        var token = Tokens.Make(publish: ["mine.*"], change: claims => claims["jti"] = "j1");
        await using var exchange = await LineExchange.OpenAsync(replica.Address, headers: ("Authorization", $"Bearer {token}"));
        await exchange.SendAsync("""{"topic":"mine.a","data":"1"}""" + "\n" + """{"topics":["mine.a","yours"],"data":"2"}""" + "\n");
        Assert.Equal(201, Status(await exchange.LineAsync()));
        var denied = await exchange.LineAsync();
        Assert.Equal((403, AuthReason.TopicDenied), (Status(denied), denied.GetProperty("reason").GetString()));

        using (var revoked = await replica.Admin.PostAsync("/admin/revocations", new StringContent("""{"jti":"j1"}""", Encoding.UTF8, "application/json"), Cancellation))
        {
            Assert.True(revoked.IsSuccessStatusCode);
        }

        await exchange.SendAsync("""{"topic":"mine.a","data":"3"}""" + "\n");
        AssertEnd(Assert.Single(await exchange.RestAsync()), AuthReason.TokenRevoked, stored: 1, failed: 1);
        using var reader = new HttpClient { BaseAddress = replica.Address, DefaultRequestHeaders = { { "Authorization", $"Bearer {Tokens.Make(subscribe: ["*"])}" } } };
        Assert.Equal(["1"], await DataAsync(reader, "mine.a"));
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_not_read_from_and_what_waits_is_bounded()
    {
        var (gateway, replica) = await StartAsync();
        await using var exchange = await LineExchange.OpenAsync(gateway.Address, receiveBuffer: 8 * 1024);
        var data = new string('x', 2_000);
        var lines = string.Concat(Enumerable.Repeat($$"""{"topic":"t","data":"{{data}}"}""" + "\n", 10));
        var sent = 0;
        using (var full = CancellationTokenSource.CreateLinkedTokenSource(Cancellation))
        {
            // Far more than all buffers on the way hold.
            var sending = Task.Run(
                async () =>
                {
                    for (; sent < 10_000 && !full.IsCancellationRequested; Interlocked.Increment(ref sent))
                    {
                        await exchange.SendAsync(lines);
                    }
                },
                Cancellation);
            var (last, still) = (-1L, 0);
            await Eventually.Async(
                async () =>
                {
                    var now = await LastAsync(replica.Client, "t");
                    still = now == last && now > 0 ? still + 1 : 0;
                    last = now;
                    return still >= 6;
                },
                s_limit,
                "the replica to stop reading");
            Assert.False(sending.IsCompleted);
            Assert.InRange(replica.Get<RequestBudget>().Used, 0, 4 * 1024 * 1024);

            // It goes on where it was when the client reads.
            await full.CancelAsync();
            var reading = exchange.RestAsync();
            await sending;
            await exchange.FinishAsync();
            var results = await reading;
            AssertEnd(results[^1], PublishStreamEnd.Complete, stored: 10 * sent, failed: 0);
            Assert.Equal(Enumerable.Range(1, 10 * sent), results[..^1].Select(result => result.GetProperty("events")[0].GetProperty("offset").GetInt32()));
        }
    }

    [Fact]
    public async Task A_stream_ends_with_its_token_and_when_nothing_or_no_end_of_a_line_comes()
    {
        var replica = Own(await EventsHost.StartAsync(Server, null, [.. Tokens.Settings, ("Publishing:StreamIdleTimeout", "00:00:03"), ("Publishing:BodyTimeout", "00:00:01")]));
        var lasting = ("Authorization", $"Bearer {Tokens.Make(publish: ["*"])}");
        await using var idle = await LineExchange.OpenAsync(replica.Address, headers: lasting);
        await using var slow = await LineExchange.OpenAsync(replica.Address, headers: lasting);
        // Of the tolerance for clocks a few seconds are left.
        await using var ending = await LineExchange.OpenAsync(replica.Address, headers: ("Authorization", $"Bearer {Tokens.Make(publish: ["*"], life: TimeSpan.FromSeconds(4) - TokenIssuer.ClockSkew)}"));
        await slow.SendAsync("""{"topic":"t","data":"1"}""" + "\n{");
        // Without a pause, in which it would be idle.
        var stored = 0;
        JsonElement line = default;
        await Eventually.Async(
            async () =>
            {
                await ending.SendAsync("""{"topic":"ending","data":"1"}""" + "\n");
                line = await ending.LineAsync();
                stored += line.TryGetProperty("end", out _) ? 0 : 1;
                return line.TryGetProperty("end", out _);
            },
            s_limit,
            "the token to end");
        AssertEnd(line, AuthReason.TokenExpired, stored, failed: 0);
        Assert.True(stored > 0);
        Assert.Equal(201, Status(await slow.LineAsync()));
        AssertEnd(Assert.Single(await slow.RestAsync()), PublishStreamEnd.TooSlow, stored: 1, failed: 0);
        AssertEnd(Assert.Single(await idle.RestAsync()), PublishStreamEnd.Idle, stored: 0, failed: 0);
    }

    [Fact]
    public async Task A_replica_that_drains_answers_what_it_has_read_and_says_that_it_ends()
    {
        var (gateway, replica) = await StartAsync();
        await using var exchange = await LineExchange.OpenAsync(gateway.Address);
        var sending = Task.Run(() => KeepSendingAsync(exchange, "drained"), Cancellation);
        Assert.Equal(201, Status(await exchange.LineAsync()));
        await Eventually.Async(async () => await LastAsync(replica.Client, "drained") >= 100, s_limit, "a load");
        replica.Get<DrainState>().Begin();
        var rest = await exchange.RestAsync();

        var confirmed = rest.Count;
        AssertEnd(rest[^1], PublishStreamEnd.Draining, stored: confirmed, failed: 0);
        Assert.True(rest[^1].GetProperty("retryAfterMs").GetInt32() > 0);
        Assert.Equal(confirmed, await LastAsync(replica.Client, "drained"));
        using (var refused = await PostAsync(replica.Address))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            var problem = await refused.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
            Assert.Equal(("draining", PublishOutcome.NotStored), (problem.GetProperty("reason").GetString(), problem.GetProperty("outcome").GetString()));
        }

        exchange.Reset();
        await sending;
    }

    [Fact]
    public async Task A_gateway_that_stops_has_its_replica_answer_what_it_forwarded()
    {
        var (gateway, replica) = await StartAsync();
        await using var exchange = await LineExchange.OpenAsync(gateway.Address);
        var sending = Task.Run(() => KeepSendingAsync(exchange, "stopped"), Cancellation);
        Assert.Equal(201, Status(await exchange.LineAsync()));
        await Eventually.Async(async () => await LastAsync(replica.Client, "stopped") >= 100, s_limit, "a load");
        var stopping = gateway.StopAsync();
        var rest = await exchange.RestAsync();

        AssertEnd(rest[^1], PublishStreamEnd.GatewayStopping, stored: rest.Count, failed: 0);
        Assert.Equal(rest.Count, await LastAsync(replica.Client, "stopped"));
        exchange.Reset();
        await sending;
        await stopping;
    }

    [Fact]
    public async Task After_a_replica_was_killed_lines_without_a_result_are_sent_again_and_stored_once()
    {
        // The one that is killed has the log's prefix of the one that goes on.
        var other = Own(await EventsHost.StartAsync(Server, null, ("TopicLog:MaxIdempotencyKeys", "0")));
        await using var killed = new ServiceProcess("killed", "SseApp.Events", new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ConnectionStrings__redis"] = Server.ConnectionString,
            ["Cluster__KeyPrefix"] = other.Prefix,
            ["TopicLog__MaxIdempotencyKeys"] = "0",
        });
        await killed.StartAsync();
        await Registry.WriteAsync(new ReplicaRecord { Id = "killed", Address = killed.Address, State = ReplicaState.Ready }, announce: true, Cancellation);
        var gateway = await GatewayAsync();
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be routed to");

        const int Count = 20_000;
        string[] lines = [.. Enumerable.Range(0, Count).Select(i => $$"""{"topic":"k","data":"{{i}}","idempotencyKey":"{{i}}"}""" + "\n")];
        await using var exchange = await LineExchange.OpenAsync(gateway.Address);
        var sending = Task.Run(() => SendAllAsync(exchange, lines), Cancellation);
        var confirmed = 0;
        JsonElement end;
        while (true)
        {
            var line = await exchange.LineAsync();
            if (line.TryGetProperty("end", out _))
            {
                end = line;
                break;
            }

            Assert.Equal((201, confirmed + 1), (Status(line), line.GetProperty("events")[0].GetProperty("offset").GetInt32()));
            confirmed++;
            if (confirmed == 1_000)
            {
                await killed.Process.KillAsync();
            }
        }

        Assert.Equal(PublishStreamEnd.Unreachable, end.GetProperty("end").GetString());
        Assert.InRange(confirmed, 1_000, Count - 1);
        Assert.Null(await exchange.NextAsync());
        exchange.Reset();
        await sending;

        await Registry.RemoveAsync("killed", Cancellation);
        await Registry.WriteAsync(new ReplicaRecord { Id = other.Get<ReplicaIdentity>().Id, Address = other.Address, State = ReplicaState.Ready }, announce: true, Cancellation);
        await UntilAsync(() => gateway.RoutedReplicas() is [var only] && only == other.Get<ReplicaIdentity>().Id && gateway.AvailableReplicas() == 1, "the other replica to be routed to");
        await using var again = await LineExchange.OpenAsync(gateway.Address);
        var repeating = Task.Run(
            async () =>
            {
                await SendAllAsync(again, lines[confirmed..]);
                await again.FinishAsync();
            },
            Cancellation);
        var results = await again.RestAsync();
        await repeating;

        AssertEnd(results[^1], PublishStreamEnd.Complete, stored: Count - confirmed, failed: 0);
        Assert.Equal(Enumerable.Range(confirmed + 1, Count - confirmed), results[..^1].Select(result => result.GetProperty("events")[0].GetProperty("offset").GetInt32()));
        Assert.Equal(Count, await LastAsync(other.Client, "k"));
    }

    [Fact]
    public async Task A_client_is_held_to_its_rate_by_not_being_read_from()
    {
        var replica = Own(await EventsHost.StartAsync(Server));
        await Registry.WriteAsync(new ReplicaRecord { Id = replica.Get<ReplicaIdentity>().Id, Address = replica.Address, State = ReplicaState.Ready }, announce: true, Cancellation);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var gateway = await GatewayAsync(time, ("Limits:EventsPerSecond", "50"), ("Limits:EventBurst", "100"), ("Limits:StoredBytesPerSecond", "0"));
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be routed to");
        await using var exchange = await LineExchange.OpenAsync(gateway.Address);
        var data = new string('x', 1_000);
        // Two events a line, and some 32 of them in what is forwarded at a time.
        await exchange.SendAsync(string.Concat(Enumerable.Repeat($$"""{"topics":["r","s"],"data":"{{data}}"}""" + "\n", 100)));
        await exchange.FinishAsync();
        var stored = 0;
        for (; stored < 50; stored++)
        {
            Assert.Equal(201, Status(await exchange.LineAsync()));
        }

        // It has used up what it had, and no other way is left to it.
        using (var refused = await gateway.Client.PostAsync("/topics/r/events", new StringContent("x"), Cancellation))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        }

        Assert.InRange(await LastAsync(replica.Client, "s"), 50, 66);
        var rest = exchange.RestAsync();
        while (!rest.IsCompleted)
        {
            var before = await LastAsync(replica.Client, "s");
            time.Advance(TimeSpan.FromSeconds(1));
            await Eventually.Async(async () => rest.IsCompleted || await LastAsync(replica.Client, "s") > before || time.GetUtcNow() > TimeProvider.System.GetUtcNow().AddSeconds(20), s_limit, "more to be stored");
        }

        // Nothing was refused.
        AssertEnd((await rest)[^1], PublishStreamEnd.Complete, stored: 100, failed: 0);
    }

    [Fact]
    public async Task It_counts_as_a_stream_of_its_client_as_long_as_it_is_open()
    {
        var (gateway, _) = await StartAsync(settings: [("Limits:StreamsPerAddress", "1")]);
        await using var exchange = await LineExchange.OpenAsync(gateway.Address);
        await exchange.BeginAsync();
        using (var refused = await PostAsync(gateway.Address))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.Equal("address-streams", (await refused.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("reason").GetString());
        }

        await exchange.FinishAsync();
        AssertEnd(Assert.Single(await exchange.RestAsync()), PublishStreamEnd.Complete, stored: 0, failed: 0);
        await Eventually.Async(
            async () =>
            {
                using var answer = await PostAsync(gateway.Address);
                return answer.StatusCode == HttpStatusCode.OK;
            },
            s_limit,
            "another one to be let in");
    }

    [Fact]
    public async Task Redis_that_is_away_ends_the_stream_with_a_result_for_each_line_that_was_read()
    {
        var server = Own(new RedisServer());
        var replica = Own(await EventsHost.StartAsync(server));
        await using var exchange = await LineExchange.OpenAsync(replica.Address);
        await exchange.SendAsync("""{"topic":"t","data":"1"}""" + "\n");
        Assert.Equal(201, Status(await exchange.LineAsync()));
        await server.KillAsync();
        await exchange.SendAsync("""{"topic":"t","data":"2"}""" + "\n");
        var failed = await exchange.LineAsync();
        Assert.Equal(503, Status(failed));
        Assert.Contains(failed.GetProperty("outcome").GetString(), (string[])[PublishOutcome.NotStored, PublishOutcome.Unknown]);
        AssertEnd(Assert.Single(await exchange.RestAsync()), PublishStreamEnd.Redis, stored: 1, failed: 1);
    }

    private static int Status(JsonElement line) => line.GetProperty("status").GetInt32();

    private static void AssertEnd(JsonElement line, string reason, int stored, int failed) => Assert.Equal(
        (reason, stored + failed, stored, failed),
        (line.GetProperty("end").GetString(), line.GetProperty("lines").GetInt32(), line.GetProperty("stored").GetInt32(), line.GetProperty("failed").GetInt32()));

    private static async Task<long> LastAsync(HttpClient client, string topic) => (await client.GetFromJsonAsync<JsonElement>($"/topics/{topic}", Cancellation)).GetProperty("lastOffset").GetInt64();

    private static async Task<IEnumerable<string?>> DataAsync(HttpClient client, string topic) =>
        (await client.GetFromJsonAsync<JsonElement>($"/topics/{topic}/events?limit=1000", Cancellation)).GetProperty("events").EnumerateArray().Select(stored => stored.GetProperty("data").GetString());

    private static async Task<HttpResponseMessage> PostAsync(Uri address)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, "/publish")) { Content = new StringContent("", Encoding.UTF8, PublishStreams.ContentType) };
        request.Headers.Accept.ParseAdd(PublishStreams.ContentType);
        return await http.SendAsync(request, Cancellation);
    }

    private static async Task SendAllAsync(LineExchange exchange, string[] lines)
    {
        try
        {
            foreach (var some in lines.Chunk(100))
            {
                await exchange.SendAsync(string.Concat(some));
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // The server reads no more.
        }
    }

    // Under load, until nobody reads; but no faster than a slow machine finishes in the time that a stop has.
    private static async Task KeepSendingAsync(LineExchange exchange, string topic)
    {
        try
        {
            for (var i = 0; ; i++)
            {
                await exchange.SendAsync($$"""{"topic":"{{topic}}","data":"{{i}}"}""" + "\n");
                if (i % 50 == 0)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Cancellation);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // It has ended.
        }
    }

    /// <summary>Where to publish, and a client of the replica over HTTP/1.1.</summary>
    private async Task<(Uri Address, HttpClient Replica)> AddressAsync(bool gateway, bool http2)
    {
        if (gateway)
        {
            var (edge, behind) = await StartAsync(settings: http2 ? [("Kestrel:EndpointDefaults:Protocols", "Http2")] : []);
            return (edge.Address, behind.Client);
        }

        var replica = Own(await EventsHost.StartAsync(Server, null, http2 ? [("Kestrel:Endpoints:1:Url", "http://127.0.0.1:0"), ("Kestrel:Endpoints:2:Url", "http://127.0.0.1:0"), ("Kestrel:Endpoints:2:Protocols", "Http2")] : []));
        return (replica.Addresses[^1], replica.Client);
    }
}
