using SseApp.ServiceDefaults.Defaults.Descriptors;

namespace SseApp.Tests.Hostile;

/// <summary>Clients that send a byte now and then, or take nothing of what they asked for: each is ended, and counted.</summary>
public sealed class SlowClientTests(RedisServer redis) : HostileTest(redis)
{
    private static readonly TimeSpan s_drip = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Whoever_drips_is_ended_by_the_time_or_the_rate_that_the_limits_give()
    {
        var site = await BeginAsync(("Limits:FirstByteTimeout", "00:00:01"), ("Limits:RequestHeadersTimeout", "00:00:01"), ("Limits:KeepAliveTimeout", "00:00:02"));
        var (gateway, replica) = (site.Gateway, site.Replica);
        using var slow = replica.Collect("sse_publishes_refused_total");
        const string Get = "GET /alive HTTP/1.1\r\nHost: a\r\n";
        const string Publish = "POST /topics/a/events HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
        const string Batch = "POST /publish HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        var answers = new Dictionary<string, Task<string>>(StringComparer.Ordinal)
        {
            ["a head"] = DripAsync(gateway.Address, Get, "X"),
            ["a second head"] = DripAsync(gateway.Address, $"{Get}\r\n{Get}", "X"),
            ["a publish"] = DripAsync(gateway.Address, Publish, "x"),
            ["a batch"] = DripAsync(gateway.Address, Batch, "1\r\n \r\n"),
            ["a publish to the replica"] = DripAsync(replica.Address, Publish, "x"),
            ["a batch to the replica"] = DripAsync(replica.Address, Batch, "1\r\n \r\n"),
            ["no handshake"] = DripAsync(gateway.SecureAddress, "", ""),
            ["a handshake"] = DripAsync(gateway.SecureAddress, "\u0016\u0003\u0001\u0002\u0000", "\u0001"),
        };
        await using var head = await RawHttp2.ConnectAsync(gateway.SecureAddress);
        await using var frame = await RawHttp2.ConnectAsync(gateway.SecureAddress);
        await using var body = await RawHttp2.ConnectAsync(gateway.SecureAddress);
        await using var batch = await RawHttp2.ConnectAsync(gateway.SecureAddress);
        await using var idle = await RawHttp2.ConnectAsync(gateway.SecureAddress);
        await using var quiet = await RawHttp2.ConnectAsync(gateway.SecureAddress);
        await using var never = await RawHttp2.ConnectAsync(gateway.SecureAddress);
        var request = RawHttp2.Request("GET", "/alive");
        var ends = new Dictionary<string, Task<int?>>(StringComparer.Ordinal)
        {
            ["HEADERS"] = DripAsync(head, Http2Frame.Write(Http2Frame.Headers, Http2Frame.EndStream, 1, request[..10]), Http2Frame.Write(Http2Frame.Continuation, 0, 1)),
            ["a frame"] = DripAsync(frame, RawHttp2.Get(1, "/alive")[..10], [0]),
            ["DATA"] = DripAsync(body, Http2Frame.Write(Http2Frame.Headers, Http2Frame.EndHeaders, 1, RawHttp2.Request("POST", "/topics/a/events")), Http2Frame.Write(Http2Frame.Data, 0, 1, (byte)'x')),
            ["empty DATA"] = DripAsync(batch, Http2Frame.Write(Http2Frame.Headers, Http2Frame.EndHeaders, 1, RawHttp2.Request("POST", "/publish")), Http2Frame.Write(Http2Frame.Data, 0, 1)),
            ["a connection with PING and no stream any more"] = DripAsync(idle, RawHttp2.Get(1, "/alive"), Http2Frame.Write(Http2Frame.Ping, 0, 0, new byte[8])),
            ["a connection without anything any more"] = LeaveAsync(quiet),
            ["a connection with PING that never had a stream"] = DripAsync(never, [], Http2Frame.Write(Http2Frame.Ping, 0, 0, new byte[8])),
        };
        var all = Task.WhenAll([.. answers.Values, .. ends.Values]);
        do
        {
            await site.AssertGoesOnAsync();
        }
        while (await Task.WhenAny(all, Task.Delay(s_drip, TimeProvider.System, Cancellation)) != all);

        await all;
        RawHttp.AssertProblem(408, await answers["a head"]);
        Assert.Contains("HTTP/1.1 408 ", await answers["a second head"], StringComparison.Ordinal);
        foreach (var name in (string[])["a publish", "a batch", "a publish to the replica", "a batch to the replica"])
        {
            RawHttp.AssertProblem(408, await answers[name]);
        }

        Assert.Equal(("", ""), (await answers["no handshake"], await answers["a handshake"]));
        await UntilAsync(
            () => site.Ends("request_headers_timeout") >= 3 && site.Ends("min_request_body_data_rate") >= 4 && site.Ends("tls_handshake_failed") >= 2
                && site.Closed("idle") == 1 && site.Closed("no-request") >= 1,
            "all of them to be counted");
        // Those to the replica, and what came of the others before the gateway gave them up.
        Assert.InRange(slow.GetMeasurementSnapshot().Where(measured => Equals(measured.Tags["reason"], "body-too-slow")).Sum(measured => measured.Value), 2, 6);
        await site.AssertGoesOnAsync();
    }

    /// <summary>What an HTTP/2 client that reads nothing leaves behind: without a time of its own the server waits for ever.</summary>
    [Fact]
    public async Task Whoever_takes_nothing_of_what_there_is_for_it_is_ended()
    {
        var site = await BeginAsync(("Limits:SendTimeout", "00:00:01"), ("Limits:KeepAliveTimeout", "00:00:01"), ("Limits:RequestTimeout", "00:00:02"));
        var gateway = site.Gateway;
        var large = new string('x', 60_000);
        foreach (var i in Enumerable.Range(0, 100))
        {
            using var published = await site.Replica.PublishAsync("large", large);
        }

        var budget = gateway.Get<DescriptorBudget>();
        await UntilAsync(() => budget.Connections <= 2, "only the ordinary client");
        var before = budget.Connections;
        await using var pings = await RawHttp2.ConnectAsync(gateway.SecureAddress, reads: false);
        await using var settings = await RawHttp2.ConnectAsync(gateway.SecureAddress, reads: false);
        await using var history = await RawHttp2.ConnectAsync(gateway.SecureAddress, reads: false);
        await Task.WhenAll(
            FillAsync(bytes => pings.SendAsync(bytes, TimeSpan.FromSeconds(1)), Http2Frame.Write(Http2Frame.Ping, 0, 0, new byte[8])),
            FillAsync(bytes => settings.SendAsync(bytes, TimeSpan.FromSeconds(1)), Http2Frame.Write(Http2Frame.Settings, 0, 0)),
            history.SendAsync([.. Enumerable.Range(0, 5).SelectMany(i => RawHttp2.Get((2 * i) + 1, "/topics/large/events?limit=1000"))]));
        await site.AssertGoesOnAsync();

        await UntilAsync(() => budget.Connections <= before, "their connections to end");
        await UntilAsync(() => site.Closed("not-read") >= 3, "them to be counted");
        await site.AssertGoesOnAsync();
    }

    /// <summary>Sends until the server takes no more.</summary>
    private static async Task FillAsync(Func<byte[], Task<bool>> send, byte[] once)
    {
        byte[] many = [.. Enumerable.Repeat(once, 64 * 1024 / once.Length).SelectMany(bytes => bytes)];
        while (await send(many))
        {
        }
    }

    private static async Task<string> DripAsync(Uri address, string first, string drop)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, address.Port, Cancellation);
        await socket.SendAsync(Encoding.Latin1.GetBytes(first), Cancellation);
        var answer = ReadAsync(socket);
        while (await Task.WhenAny(answer, Task.Delay(s_drip, TimeProvider.System, Cancellation)) != answer)
        {
            try
            {
                await socket.SendAsync(Encoding.Latin1.GetBytes(drop), Cancellation);
            }
            catch (SocketException)
            {
                break;
            }
        }

        return await answer.WaitAsync(s_limit, TimeProvider.System, Cancellation);
    }

    // What comes before the end, be that a reset.
    private static async Task<string> ReadAsync(Socket socket)
    {
        var text = new StringBuilder();
        var buffer = new byte[16 * 1024];
        try
        {
            while (await socket.ReceiveAsync(buffer, Cancellation) is > 0 and var count)
            {
                text.Append(Encoding.Latin1.GetString(buffer, 0, count));
            }
        }
        catch (SocketException)
        {
            // The server had not read everything.
        }

        return text.ToString();
    }

    private static async Task<int?> LeaveAsync(RawHttp2 connection)
    {
        await connection.SendAsync(RawHttp2.Get(1, "/alive"));
        return await connection.EndedAsync();
    }

    private static async Task<int?> DripAsync(RawHttp2 connection, byte[] first, byte[] drop)
    {
        await connection.SendAsync(first);
        var end = connection.EndedAsync();
        while (await Task.WhenAny(end, Task.Delay(s_drip, TimeProvider.System, Cancellation)) != end && await connection.SendAsync(drop))
        {
        }

        return await end;
    }
}
