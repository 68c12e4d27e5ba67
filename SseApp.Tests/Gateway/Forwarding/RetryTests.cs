namespace SseApp.Tests.Gateway.Forwarding;

public sealed class RetryTests : GatewayTest
{
    [Fact]
    public async Task Streams_and_publishes_go_elsewhere_when_a_replica_cannot_be_connected_to()
    {
        var dead = await OriginAsync("r1");
        await OriginAsync("r2");

        // Each request may pick the dead one again: nothing but the retry saves it.
        var gateway = await GatewayAsync(("ReplicaHealth:FailTimeout", "00:00:00.050"), ("ReplicaHealth:Interval", "00:10:00"));
        using var retries = new MetricProbe(gateway, "sse_gateway_retries_total");
        await dead.KillAsync();

        for (var i = 0; i < 6; i++)
        {
            using var client = await StreamClient.OpenAsync(gateway.Client);
            await client.ReadUntilAsync("\"replica\":\"r2\"");
            using var content = new StringContent("data");
            using var response = await gateway.Client.PostAsync("/topics/a/events", content, Cancellation);
            Assert.Equal("r2", await response.Content.ReadAsStringAsync(Cancellation));
            await Task.Delay(TimeSpan.FromMilliseconds(60), TimeProvider.System, Cancellation);
        }

        Assert.True(retries.Sum > 0, "No retry was counted.");
    }

    [Fact]
    public async Task A_stream_request_goes_elsewhere_when_a_replica_breaks_before_its_first_byte()
    {
        var broken = await TcpOriginAsync("r1", (_, _) => Task.CompletedTask);
        var half = await TcpOriginAsync("r2", async (socket, cancellationToken) =>
            await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/ev"u8.ToArray(), cancellationToken));
        await OriginAsync("r3");
        var gateway = await GatewayAsync();

        for (var i = 0; i < 3; i++)
        {
            using var client = await StreamClient.OpenAsync(gateway.Client);
            await client.ReadUntilAsync("\"replica\":\"r3\"");
        }

        Assert.True(broken.Requests + half.Requests > 0, "No broken replica was tried.");
    }

    [Fact]
    public async Task A_publish_that_a_replica_took_and_broke_is_not_repeated()
    {
        var broken = await TcpOriginAsync("r1", (_, _) => Task.CompletedTask);
        var alsoBroken = await TcpOriginAsync("r2", (_, _) => Task.CompletedTask);
        var gateway = await GatewayAsync();
        using var content = JsonContent.Create(new { data = "once" });

        using var response = await gateway.Client.PostAsync("/publish", content, Cancellation);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(1, broken.Requests + alsoBroken.Requests);
        Assert.Equal("unknown", (await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task A_publish_of_which_one_try_may_have_arrived_is_of_unknown_outcome_although_the_last_one_did_not()
    {
        await TcpOriginAsync("r1", (_, _) => Task.CompletedTask);
        var gateway = await GatewayAsync(("Balancing:Policy", "WeightedRoundRobin"), ("ReplicaHealth:MaxFails", "0"), ("ReplicaHealth:Interval", "00:10:00"));
        var dead = await OriginAsync("r2");
        await UntilAsync(() => gateway.AvailableReplicas() == 2, "both replicas to be known");
        await dead.KillAsync();

        for (var i = 0; i < 2; i++)
        {
            using var response = await PublishAsync(gateway, "x", chunked: false);
            Assert.Equal("unknown", (await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("outcome").GetString());
        }
    }

    [Fact]
    public async Task A_stream_goes_elsewhere_when_a_replica_takes_it_and_keeps_silent()
    {
        var silent = await TcpOriginAsync("r1", (_, cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken));
        await OriginAsync("r2");
        var gateway = await GatewayAsync(("Upstream:FirstByteTimeout", "00:00:00.200"), ("ReplicaHealth:FailTimeout", "00:00:00.050"));
        while (silent.Requests == 0)
        {
            using var client = await StreamClient.OpenAsync(gateway.Client);
            await client.ReadUntilAsync("\"replica\":\"r2\"");
        }
    }

    [Fact]
    public async Task A_client_that_is_refused_keeps_its_last_id()
    {
        var gateway = await GatewayAsync();

        await using var reader = await SseReader.OpenAsync(gateway.Client, "/events?topic=a", lastEventId: "x-1");

        Assert.Equal("stream.unavailable", (await reader.NextAsync())?.Type);
        Assert.Equal("x-1", reader.LastEventId);
    }

    [Theory]
    [InlineData(64 * 1024)]
    [InlineData(1)]
    public async Task A_publish_with_an_idempotency_key_is_repeated_whole_when_a_replica_broke_after_taking_it(int size)
    {
        await TcpOriginAsync("r1", (_, _) => Task.CompletedTask);
        var bodies = new ConcurrentQueue<string>();
        await HandlingOriginAsync("r2", async context => bodies.Enqueue(await new StreamReader(context.Request.Body).ReadToEndAsync()));
        var gateway = await GatewayAsync(("Balancing:Policy", "WeightedRoundRobin"), ("ReplicaHealth:MaxFails", "0"));
        var data = new string('x', size - 1) + "!";

        for (var i = 0; i < 4; i++)
        {
            using var response = await PublishAsync(gateway, data, chunked: i % 2 == 1);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        Assert.Equal(4, bodies.Count);
        Assert.All(bodies, body => Assert.Equal(data, body));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_keyed_publish_over_the_replay_limit_is_not_repeated_in_part(bool chunked)
    {
        await TcpOriginAsync("r1", async (socket, cancellationToken) =>
        {
            // Takes much of the body, then breaks.
            var buffer = new byte[4096];
            for (var taken = 0; taken < 3000;)
            {
                taken += await socket.ReceiveAsync(buffer, cancellationToken);
            }
        });
        var bodies = new ConcurrentQueue<string>();
        await HandlingOriginAsync("r2", async context => bodies.Enqueue(await new StreamReader(context.Request.Body).ReadToEndAsync()));
        var gateway = await GatewayAsync(
            ("Balancing:Policy", "WeightedRoundRobin"), ("ReplicaHealth:MaxFails", "0"), ("Upstream:MaxReplayBytes", "1000"));
        var data = new string('x', 8000);

        for (var i = 0; i < 2; i++)
        {
            using var response = await PublishAsync(gateway, data, chunked);
            Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadGateway, $"{response.StatusCode}");
        }

        Assert.Equal(data, Assert.Single(bodies));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nStream-Refused: draining\r\nContent-Length: 8\r\n\r\ndata: x\n")]
    [InlineData("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")]
    [InlineData("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 504 Late\r\nContent-Length: 0\r\n\r\n")]
    public async Task A_refused_stream_is_opened_on_another_replica_and_the_refusal_takes_nobody_out(string refusal)
    {
        var refusing = await TcpOriginAsync("r1", async (socket, cancellationToken) =>
            await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(refusal), cancellationToken));
        await OriginAsync("r2");
        var gateway = await GatewayAsync(("Balancing:Policy", "WeightedRoundRobin"));

        for (var i = 0; i < 6; i++)
        {
            using var client = await StreamClient.OpenAsync(gateway.Client, accept: i % 2 == 0 ? "text/event-stream" : "*/*");
            await client.ReadUntilAsync("\"replica\":\"r2\"");
            Assert.False(client.Response.Headers.Contains("Stream-Refused"), "The refusal's header came through.");
        }

        Assert.Equal(3, refusing.Requests);
    }

    [Fact]
    public async Task A_stream_that_every_replica_refuses_gets_the_last_ones_own_answer()
    {
        static Task RefuseAsync(System.Net.Sockets.Socket socket, CancellationToken cancellationToken) => socket.SendAsync(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nStream-Refused: connection-limit\r\nConnection: close\r\n\r\nevent: stream.unavailable\ndata: {\"reason\":\"connection-limit\"}\n\n"u8.ToArray(),
            cancellationToken).AsTask();
        var first = await TcpOriginAsync("r1", RefuseAsync);
        var second = await TcpOriginAsync("r2", RefuseAsync);
        var gateway = await GatewayAsync();

        using var client = await StreamClient.OpenAsync(gateway.Client);

        Assert.Contains("connection-limit", System.Text.Encoding.UTF8.GetString(await client.ReadToEndAsync()), StringComparison.Ordinal);
        Assert.Equal((1, 1), (first.Requests, second.Requests));
    }

    private static async Task<HttpResponseMessage> PublishAsync(GatewayHost gateway, string data, bool chunked)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/topics/a/events") { Content = new StringContent(data) };
        request.Headers.Add("Idempotency-Key", "order-1");
        request.Headers.TransferEncodingChunked = chunked;
        return await gateway.Client.SendAsync(request, Cancellation);
    }
}
