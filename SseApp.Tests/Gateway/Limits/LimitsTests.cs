using SseApp.Gateway.Clients;
using SseApp.Gateway.Limits;

namespace SseApp.Tests.Gateway.Limits;

public sealed class LimitsTests : GatewayTest
{
    // The tests' proxy, so that a test can speak for several clients.
    private static readonly (string, string) s_proxy = ("Proxies:Known:0", "127.0.0.1");

    [Fact]
    public async Task Without_a_setting_100_streams_of_one_address_are_the_limit()
    {
        Assert.Equal(100, new LimitsOptions().StreamsPerAddress);
        await OriginAsync("r1");
        var gateway = await GatewayAsync(("Limits:StreamsPerAddress", "100"));
        var streams = await Task.WhenAll(Enumerable.Range(0, 110).Select(_ => StreamClient.OpenAsync(gateway.Client, accept: "*/*")));
        Assert.Equal(10, streams.Count(stream => stream.Response.StatusCode == HttpStatusCode.TooManyRequests));
        Assert.Equal(100, streams.Count(stream => stream.Response.StatusCode == HttpStatusCode.OK));
        Array.ForEach(streams, stream => stream.Dispose());
    }

    [Fact]
    public async Task Streams_over_the_limit_of_an_address_are_asked_to_reconnect_and_succeed_when_one_has_left()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(s_proxy, ("Limits:StreamsPerAddress", "2"));
        using var refusals = new MetricProbe(gateway, "sse_refusals_total");
        var first = await OpenAsync(gateway, "192.0.2.1");
        using var second = await OpenAsync(gateway, "192.0.2.1");
        using var other = await OpenAsync(gateway, "192.0.2.2");

        using (var third = await StreamClient.OpenAsync(gateway.Client, headers: Client("192.0.2.1")))
        {
            Assert.Equal(HttpStatusCode.OK, third.Response.StatusCode);
            Assert.Matches("^retry: [0-9]+\nevent: stream.unavailable\ndata: {\"reason\":\"address-streams\"", Encoding.UTF8.GetString(await third.ReadToEndAsync()));
        }

        using var plain = await StreamClient.OpenAsync(gateway.Client, accept: "*/*", headers: Client("192.0.2.1"));
        await AssertProblemAsync(plain.Response, HttpStatusCode.TooManyRequests, "address-streams");
        Assert.Equal(3, origin.OpenStreams);
        Assert.Equal(2, refusals.Sum);

        first.Dispose();
        var counts = gateway.Services.GetRequiredService<StreamCounts>();
        await UntilAsync(() => counts.Streams == 2, "the stream that was left to end");
        using var again = await OpenAsync(gateway, "192.0.2.1");
    }

    [Fact]
    public async Task An_IPv6_network_is_one_client()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(s_proxy, ("Limits:StreamsPerAddress", "1"));
        using var first = await OpenAsync(gateway, "2001:db8:0:1::1");
        using var neighbour = await OpenAsync(gateway, "2001:db8:0:2::1");

        using var same = await StreamClient.OpenAsync(gateway.Client, accept: "*/*", headers: Client("2001:db8:0:1:a:b:c:d"));

        Assert.Equal(HttpStatusCode.TooManyRequests, same.Response.StatusCode);
    }

    [Fact]
    public async Task A_full_gateway_refuses_streams_but_serves_other_requests()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(("Limits:StreamsPerGateway", "1"));
        using var first = await StreamClient.OpenAsync(gateway.Client);
        await first.ReadUntilAsync("stream.open");

        using var second = await StreamClient.OpenAsync(gateway.Client);
        Assert.Contains("\"reason\":\"gateway-streams\"", Encoding.UTF8.GetString(await second.ReadToEndAsync()), StringComparison.Ordinal);
        using var plain = await StreamClient.OpenAsync(gateway.Client, accept: "*/*");
        await AssertProblemAsync(plain.Response, HttpStatusCode.ServiceUnavailable, "gateway-streams");

        Assert.Equal("r1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));
        Assert.Equal(1, origin.OpenStreams);
    }

    [Fact]
    public async Task Connects_pass_in_a_burst_and_then_at_the_rate_of_the_bucket()
    {
        await OriginAsync("r1");
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var gateway = await GatewayAsync(time, s_proxy, ("Limits:ConnectsPerSecond", "2"), ("Limits:ConnectBurst", "3"));
        for (var i = 0; i < 3; i++)
        {
            using var passed = await OpenAsync(gateway, "192.0.2.1");
        }

        using (var refused = await StreamClient.OpenAsync(gateway.Client, headers: Client("192.0.2.1")))
        {
            Assert.Contains("\"reason\":\"connect-rate\"", Encoding.UTF8.GetString(await refused.ReadToEndAsync()), StringComparison.Ordinal);
        }

        using (var plain = await StreamClient.OpenAsync(gateway.Client, accept: "*/*", headers: Client("192.0.2.1")))
        {
            await AssertProblemAsync(plain.Response, HttpStatusCode.TooManyRequests, "connect-rate");
        }

        using var other = await OpenAsync(gateway, "192.0.2.2");
        time.Advance(TimeSpan.FromMilliseconds(500));
        using var later = await OpenAsync(gateway, "192.0.2.1");
    }

    [Fact]
    public async Task Refused_connects_leave_no_stream_counted()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(new FakeTimeProvider(DateTimeOffset.UnixEpoch), ("Limits:StreamsPerAddress", "5"), ("Limits:ConnectsPerSecond", "1"), ("Limits:ConnectBurst", "1"));
        for (var i = 0; i < 4; i++)
        {
            using var client = await StreamClient.OpenAsync(gateway.Client);
        }

        var counts = gateway.Services.GetRequiredService<StreamCounts>();
        await UntilAsync(() => counts is { Streams: 0, Clients: 0 }, "all streams to be forgotten");
    }

    [Fact]
    public async Task Publishes_over_the_rate_are_429_with_the_time_to_wait()
    {
        var origin = await OriginAsync("r1");
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var gateway = await GatewayAsync(time, s_proxy, ("Limits:PublishesPerSecond", "1"), ("Limits:PublishBurst", "2"));

        Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, "/topics/a/events", "192.0.2.1"));
        Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, "/Publish/", "192.0.2.1"));
        using (var request = Publish("/topics/a%2Fb/events", "192.0.2.1"))
        using (var response = await gateway.Client.SendAsync(request, Cancellation))
        {
            await AssertProblemAsync(response, HttpStatusCode.TooManyRequests, "publish-rate", "not-stored");
        }

        Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, "/publish", "192.0.2.2"));
        Assert.Equal("r1", await gateway.Client.GetStringAsync("/topics/a/events", Cancellation));
        Assert.Equal(4, origin.Requests.Count);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, "/publish", "192.0.2.1"));
    }

    [Theory]
    [InlineData("Authorization", "Bearer one", "Bearer two")]
    [InlineData("X-Api-Key", "one", "two")]
    public async Task Publishes_can_be_counted_by_credential(string header, string one, string two)
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(
            new FakeTimeProvider(DateTimeOffset.UnixEpoch),
            ("Limits:PublishesPerSecond", "1"),
            ("Limits:PublishBurst", "1"),
            ("Limits:PublishClient", "Credential"));

        Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, "/publish", "192.0.2.1", (header, one)));
        Assert.Equal(HttpStatusCode.TooManyRequests, await PublishAsync(gateway, "/publish", "192.0.2.2", (header, one)));
        Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, "/publish", "192.0.2.1", (header, two)));
        Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, "/publish", "192.0.2.1"));
    }

    [Fact]
    public async Task A_head_over_the_limit_is_431()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(("Limits:MaxRequestHeaderBytes", "2048"));
        using var response = await gateway.Client.SendAsync(HttpMethod.Get, "/topics/a", ("X-Large", new string('x', 3000)));

        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task A_client_that_sends_its_head_too_slowly_is_cut_off()
    {
        var gateway = await GatewayAsync(("Limits:RequestHeadersTimeout", "00:00:01"));
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, gateway.Address.Port, Cancellation);
        await tcp.GetStream().WriteAsync("GET /events HTTP/1.1\r\nHost: x\r\n"u8.ToArray(), Cancellation);
        using var reader = new StreamReader(tcp.GetStream());

        var answer = await reader.ReadToEndAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(15), TimeProvider.System, Cancellation);

        Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_over_its_time_is_504_and_a_stream_has_no_such_time()
    {
        // Another service behind the same gateway: a stream of its own, and an answer that never comes.
        var service = Own(await OriginHost.StartAsync("s1", async context =>
        {
            if (context.Request.Path == "/other/stream")
            {
                context.Response.ContentType = "text/event-stream";
                for (var i = 0; i < 20; i++)
                {
                    await context.Response.WriteAsync($"data: {i}\n\n", context.RequestAborted);
                    await context.Response.Body.FlushAsync(context.RequestAborted);
                    await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, context.RequestAborted);
                }
            }
            else
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
            }
        }));
        var gateway = await GatewayAsync([("Limits:RequestTimeout", "00:00:01"), .. OtherService(service)]);

        using var slow = await gateway.Client.GetAsync("/other/slow", Cancellation);
        await AssertProblemAsync(slow, HttpStatusCode.GatewayTimeout, "request-timeout");

        using var stream = await StreamClient.OpenAsync(gateway.Client, "/other/stream");
        Assert.EndsWith("data: 19\n\n", Encoding.UTF8.GetString(await stream.ReadToEndAsync()), StringComparison.Ordinal);
    }

    private static (string, string)[] Client(string address) => [("X-Forwarded-For", address)];

    private static async Task<StreamClient> OpenAsync(GatewayHost gateway, string address)
    {
        var client = await StreamClient.OpenAsync(gateway.Client, headers: Client(address));
        await client.ReadUntilAsync("stream.open");
        return client;
    }

    private static HttpRequestMessage Publish(string path, string address)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent("x") };
        request.Headers.Add("X-Forwarded-For", address);
        return request;
    }

    private static async Task<HttpStatusCode> PublishAsync(GatewayHost gateway, string path, string address, params (string Name, string Value)[] headers)
    {
        using var request = Publish(path, address);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await gateway.Client.SendAsync(request, Cancellation);
        return response.StatusCode;
    }

    private static async Task AssertProblemAsync(HttpResponseMessage response, HttpStatusCode status, string reason, string? outcome = null)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.InRange(response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 3);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.Equal(reason, problem.GetProperty("reason").GetString());
        Assert.Equal(outcome, problem.TryGetProperty("outcome", out var found) ? found.GetString() : null);
    }
}
