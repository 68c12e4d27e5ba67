using SseApp.Gateway.Clients;
using SseApp.Gateway.Limits;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Protocol;

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
    public void Without_settings_a_client_has_limits_for_a_public_site() => Assert.Equal(
        new ClientBudget
        {
            Streams = 100,
            Topics = 1_000,
            Connections = 256,
            ReadsAtOnce = 8,
            Connects = new Rate(50, 200),
            Events = new Rate(200, 1_000),
            StoredBytes = new Rate(4 << 20, 4 << 20),
            Reads = new Rate(20, 20),
            ReadBytes = new Rate(4 << 20, 4 << 20),
            Refusals = new Rate(20, 20),
        },
        new LimitsOptions().Budget);

    [Fact]
    public async Task Publishes_over_the_rate_are_429_with_the_time_to_wait()
    {
        var origin = await OriginAsync("r1");
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var gateway = await GatewayAsync(time, s_proxy, ("Limits:EventsPerSecond", "1"), ("Limits:EventBurst", "2"));
        using var refusals = new MetricProbe(gateway, "sse_refusals_total");

        Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, "/topics/a/events", "192.0.2.1"));
        Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, "/Publish/", "192.0.2.1"));
        using (var request = Publish("/topics/a%2Fb/events", "192.0.2.1"))
        using (var response = await gateway.Client.SendAsync(request, Cancellation))
        {
            await AssertProblemAsync(response, HttpStatusCode.TooManyRequests, "publish-rate", "not-stored");
        }

        Assert.Equal(1, refusals.Sum);
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
            ("Limits:EventsPerSecond", "1"),
            ("Limits:EventBurst", "1"),
            ("Limits:PublishClient", "Credential"));

        Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, "/publish", "192.0.2.1", (header, one)));
        Assert.Equal(HttpStatusCode.TooManyRequests, await PublishAsync(gateway, "/publish", "192.0.2.2", (header, one)));
        Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, "/publish", "192.0.2.1", (header, two)));
        Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, "/publish", "192.0.2.1"));
    }

    [Theory]
    [InlineData("Limits:EventsPerSecond", "200, 100", 20)]
    [InlineData("Limits:StoredBytesPerSecond", "1, 5000", 50)]
    public async Task What_a_publish_has_stored_is_paid_back_before_the_next(string limit, string stored, int seconds)
    {
        await HandlingOriginAsync("r1", context =>
        {
            context.Response.Headers[StreamHeaders.Stored] = stored;
            return context.Response.WriteAsync("r1", Cancellation);
        });
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var gateway = await GatewayAsync(
            time, s_proxy, ("Limits:EventBurst", "10"), (limit, limit.Contains("Bytes", StringComparison.Ordinal) ? "100" : "10"));

        using (var request = Publish("/publish", "192.0.2.1"))
        using (var first = await gateway.Client.SendAsync(request, Cancellation))
        {
            Assert.Equal(HttpStatusCode.OK, first.StatusCode);
            Assert.False(first.Headers.Contains(StreamHeaders.Stored));
        }

        // The first second was in the bucket.
        time.Advance(TimeSpan.FromSeconds(seconds - 2));
        using (var request = Publish("/topics/a/events", "192.0.2.1"))
        using (var second = await gateway.Client.SendAsync(request, Cancellation))
        {
            await AssertProblemAsync(second, HttpStatusCode.TooManyRequests, "publish-rate", "not-stored");
        }

        time.Advance(TimeSpan.FromSeconds(1.1));
        Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, "/publish", "192.0.2.1"));
    }

    /// <summary>The length alone would have kept it out for ten seconds, and whoever shares its address.</summary>
    [Theory]
    [InlineData("/publish")]
    [InlineData("/topics/a/events")]
    public async Task A_body_that_is_too_large_and_was_never_taken_costs_no_bytes(string path)
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(
            new FakeTimeProvider(DateTimeOffset.UnixEpoch), s_proxy, ("Limits:StoredBytesPerSecond", "50000"), ("Limits:MaxRequestBodyBytes", "10000"));
        using (var request = Publish(path, "192.0.2.1"))
        {
            request.Content = new StringContent(new string('x', 500_000));
            request.Headers.ExpectContinue = true;
            using var large = await gateway.Client.SendAsync(request, Cancellation);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
        }

        Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, path, "192.0.2.1"));
    }

    [Theory]
    [InlineData("/publish", "1920, 100", 1)]
    [InlineData("/publish", "1, 10", 10)]
    [InlineData("/topics/a/events", "1, 10000000", 1)]
    [InlineData("/topics/a/events", "1, 10", 10)]
    public async Task Of_publishes_at_once_only_those_pass_for_which_the_others_have_left_room(string path, string stored, int passing)
    {
        var answer = new TaskCompletionSource();
        var arrived = 0;
        await HandlingOriginAsync("r1", async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null, Cancellation);
            Interlocked.Increment(ref arrived);
            await answer.Task;
            context.Response.Headers[StreamHeaders.Stored] = stored;
            await context.Response.WriteAsync("r1", Cancellation);
        });
        var gateway = await GatewayAsync(
            new FakeTimeProvider(DateTimeOffset.UnixEpoch), ("Limits:StoredBytesPerSecond", "400000"), ("Limits:EventsPerSecond", "200"), ("Limits:EventBurst", "1000"));
        var publishes = Enumerable.Range(0, 10).Select(_ => SendAsync(gateway, path, 60_000, Cancellation)).ToArray();
        // It could be 1 000 events or 400 000 bytes: the others wait for what becomes of it.
        await UntilAsync(() => Volatile.Read(ref arrived) == 1, "the first to arrive");
        answer.SetResult();

        Assert.Equal(passing, (await Task.WhenAll(publishes)).Count(status => status == HttpStatusCode.OK));
        Assert.Equal(passing, arrived);
        Assert.All(publishes, publish => Assert.True(publish.Result is HttpStatusCode.OK or HttpStatusCode.TooManyRequests));
    }

    [Fact]
    public async Task Nobody_waits_long_for_the_room_of_others_and_who_leaves_before_the_answer_pays_for_all_that_may_be_stored()
    {
        var arrived = 0;
        await HandlingOriginAsync("r1", async context =>
        {
            Interlocked.Increment(ref arrived);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        });
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var gateway = await GatewayAsync(time, ("Limits:EventsPerSecond", "200"), ("Limits:EventBurst", "1000"));
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var first = SendAsync(gateway, "/publish", 200_000, leaving.Token);
        await UntilAsync(() => Volatile.Read(ref arrived) == 1, "the first to arrive");
        await RefusedAsync("/publish");

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await RefusedAsync("/topics/a/events");
        Assert.Equal(1, arrived);

        async Task RefusedAsync(string path)
        {
            var refused = SendAsync(gateway, path, 10, Cancellation);
            await UntilAsync(
                () =>
                {
                    time.Advance(TimeSpan.FromSeconds(0.1));
                    return refused.IsCompleted;
                },
                "it to be refused");
            Assert.Equal(HttpStatusCode.TooManyRequests, await refused);
        }
    }

    private static async Task<HttpStatusCode> SendAsync(GatewayHost gateway, string path, int length, CancellationToken cancellationToken)
    {
        using var content = new StringContent(new string('x', length));
        using var response = await gateway.Client.PostAsync(path, content, cancellationToken);
        return response.StatusCode;
    }

    [Fact]
    public async Task Another_service_cannot_charge_a_publisher_and_keeps_its_header()
    {
        var service = Own(await OriginHost.StartAsync("s1", context =>
        {
            context.Response.Headers[StreamHeaders.Stored] = "1000, 1000";
            return context.Response.WriteAsync("s1", Cancellation);
        }));
        var gateway = await GatewayAsync(
            new FakeTimeProvider(DateTimeOffset.UnixEpoch),
            ("Limits:EventsPerSecond", "5"),
            ("Limits:EventBurst", "5"),
            ("ReverseProxy:Routes:other:ClusterId", "other"),
            ("ReverseProxy:Routes:other:Match:Path", "/topics/other/events"),
            ("ReverseProxy:Clusters:other:Destinations:s1:Address", service.Address.AbsoluteUri));
        for (var i = 0; i < 5; i++)
        {
            using var content = new StringContent("x");
            using var response = await gateway.Client.PostAsync("/topics/other/events", content, Cancellation);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal("1000, 1000", response.Headers.GetValues(StreamHeaders.Stored).Single());
        }
    }

    [Theory]
    [InlineData("/topics/a/events?limit=1000", "*/*")]
    [InlineData("/Topics/a%2Fb/Events/", "text/event-stream")]
    [InlineData("/topics/a", "*/*")]
    [InlineData("/position?topic=a", "*/*")]
    [InlineData("/Events/Position/?topic=a&lastEventId=x", "*/*")]
    public async Task Reads_over_the_rate_are_refused_until_they_may_come_again(string path, string accept)
    {
        await OriginAsync("r1");
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var gateway = await GatewayAsync(time, s_proxy, ("Limits:ReadsPerSecond", "2"));
        using var refusals = new MetricProbe(gateway, "sse_refusals_total");
        Assert.Equal("r1", await ReadAsync("192.0.2.1"));
        Assert.Equal("r1", await ReadAsync("192.0.2.1"));

        Assert.Contains("\"reason\":\"read-rate\"", await ReadAsync("192.0.2.1"), StringComparison.Ordinal);
        using (var plain = await gateway.Client.SendAsync(HttpMethod.Get, "/topics/b/events", Client("192.0.2.1")))
        {
            await AssertProblemAsync(plain, HttpStatusCode.TooManyRequests, "read-rate");
        }

        Assert.Equal(2, refusals.Sum);
        Assert.Equal("r1", await ReadAsync("192.0.2.2"));
        time.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Equal("r1", await ReadAsync("192.0.2.1"));

        async Task<string> ReadAsync(string address)
        {
            using var response = await gateway.Client.SendAsync(HttpMethod.Get, path, ("Accept", accept), Client(address)[0]);
            return await response.Content.ReadAsStringAsync(Cancellation);
        }
    }

    [Fact]
    public async Task What_a_read_has_answered_is_paid_back_before_the_next()
    {
        var text = new string('x', 5_000);
        await HandlingOriginAsync("r1", context => context.Response.WriteAsync(text, Cancellation));
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var gateway = await GatewayAsync(time, s_proxy, ("Limits:ReadBytesPerSecond", "1000"));
        Assert.Equal(text, await ReadAsync("192.0.2.1"));
        // The first second was in the bucket.
        time.Advance(TimeSpan.FromSeconds(3.9));
        using (var refused = await gateway.Client.SendAsync(HttpMethod.Get, "/topics/a", Client("192.0.2.1")))
        {
            await AssertProblemAsync(refused, HttpStatusCode.TooManyRequests, "read-rate");
        }

        Assert.Equal(text, await ReadAsync("192.0.2.2"));
        time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Equal(text, await ReadAsync("192.0.2.1"));

        async Task<string> ReadAsync(string address)
        {
            using var response = await gateway.Client.SendAsync(HttpMethod.Get, "/topics/a/events", Client(address));
            return await response.Content.ReadAsStringAsync(Cancellation);
        }
    }

    [Fact]
    public async Task Reads_at_once_are_limited_until_one_is_answered()
    {
        var answer = new TaskCompletionSource();
        await HandlingOriginAsync("r1", async context =>
        {
            await answer.Task.WaitAsync(context.RequestAborted);
            await context.Response.WriteAsync("r1", context.RequestAborted);
        });
        var gateway = await GatewayAsync(("Limits:ReadsAtOnce", "3"));
        var reads = Enumerable.Range(0, 5).Select(_ => gateway.Client.GetAsync("/topics/a/events", Cancellation)).ToArray();
        await UntilAsync(() => reads.Count(read => read.IsCompleted) == 2, "two reads to be refused");
        answer.SetResult();

        var answers = await Task.WhenAll(reads);
        Assert.Equal(3, answers.Count(response => response.StatusCode == HttpStatusCode.OK));
        await AssertProblemAsync(answers.First(response => response.StatusCode != HttpStatusCode.OK), HttpStatusCode.TooManyRequests, "read-rate");
        Array.ForEach(answers, response => response.Dispose());
        Assert.Equal("r1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));
    }

    [Fact]
    public async Task Topics_over_the_limit_of_an_address_are_refused_also_when_its_streams_were_closed_just_now()
    {
        await OriginAsync("r1");
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var gateway = await GatewayAsync(time, s_proxy, ("Limits:TopicsPerAddress", "3"));
        using var refusals = new MetricProbe(gateway, "sse_refusals_total");
        using (var first = await OpenAsync(gateway, "192.0.2.1", "/events?topic=a&topic=b&Topic=b"))
        {
            using var same = await OpenAsync(gateway, "192.0.2.1", "/events?topic=b&topic=a");
        }

        await UntilAsync(() => gateway.Get<StreamCounts>().Streams == 0, "the streams to be over");
        using (var soft = await StreamClient.OpenAsync(gateway.Client, "/events?topic=c&topic=d", headers: Client("192.0.2.1")))
        {
            Assert.Equal(HttpStatusCode.OK, soft.Response.StatusCode);
            Assert.Matches("^retry: 6[0-9]{4}\nevent: stream.unavailable\ndata: {\"reason\":\"topics\"", Encoding.UTF8.GetString(await soft.ReadToEndAsync()));
        }

        using (var plain = await StreamClient.OpenAsync(gateway.Client, "/Events/?topic=c&topic=d", accept: "*/*", headers: Client("192.0.2.1")))
        {
            await AssertProblemAsync(plain.Response, HttpStatusCode.TooManyRequests, "topics", retryAfter: 62);
        }

        Assert.Equal(2, refusals.Sum);
        using var known = await OpenAsync(gateway, "192.0.2.1", "/events?topic=a&topic=c");
        using var other = await OpenAsync(gateway, "192.0.2.2", "/events?topic=c&topic=d&topic=e");
        time.Advance(TimeSpan.FromSeconds(62));
        using var later = await OpenAsync(gateway, "192.0.2.1", "/events?topic=d");
    }

    [Fact]
    public async Task A_client_that_configuration_names_has_limits_of_its_own_for_all_its_addresses_together()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(
            new FakeTimeProvider(DateTimeOffset.UnixEpoch),
            s_proxy,
            ("Limits:StreamsPerAddress", "1"),
            ("Limits:EventsPerSecond", "1"),
            ("Limits:EventBurst", "1"),
            ("Limits:ReadsPerSecond", "1"),
            ("Limits:PublishClient", "Credential"),
            ("Limits:Clients:0:Name", "shop"),
            ("Limits:Clients:0:Addresses", "192.0.2.0/24,2001:db8::/32"),
            ("Limits:Clients:0:Streams", "2"),
            ("Limits:Clients:0:EventsPerSecond", "3"),
            ("Limits:Clients:0:EventBurst", "3"),
            ("Limits:Clients:0:ReadsPerSecond", "0"));
        using var first = await OpenAsync(gateway, "192.0.2.1");
        using var second = await OpenAsync(gateway, "2001:db8:1::1");
        using (var third = await StreamClient.OpenAsync(gateway.Client, accept: "*/*", headers: Client("192.0.2.2")))
        {
            await AssertProblemAsync(third.Response, HttpStatusCode.TooManyRequests, "address-streams");
        }

        foreach (var address in new[] { "192.0.2.1", "::ffff:192.0.2.2", "2001:db8:1::1" })
        {
            Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, "/publish", address, ("Authorization", address)));
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, await PublishAsync(gateway, "/publish", "192.0.2.9", ("Authorization", "another")));
        Assert.Equal(HttpStatusCode.OK, await PublishAsync(gateway, "/publish", "198.51.100.1"));
        Assert.Equal(HttpStatusCode.TooManyRequests, await PublishAsync(gateway, "/publish", "198.51.100.1"));
        for (var i = 0; i < 5; i++)
        {
            using var read = await gateway.Client.SendAsync(HttpMethod.Get, "/topics/a", Client("192.0.2.1"));
            Assert.Equal(HttpStatusCode.OK, read.StatusCode);
        }
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

    private static async Task<StreamClient> OpenAsync(GatewayHost gateway, string address, string path = "/events?topic=t")
    {
        var client = await StreamClient.OpenAsync(gateway.Client, path, headers: Client(address));
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

    private static async Task AssertProblemAsync(HttpResponseMessage response, HttpStatusCode status, string reason, string? outcome = null, int retryAfter = 3)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.InRange(response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, retryAfter - 2, retryAfter);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.Equal(reason, problem.GetProperty("reason").GetString());
        Assert.Equal(outcome, problem.TryGetProperty("outcome", out var found) ? found.GetString() : null);
    }
}
