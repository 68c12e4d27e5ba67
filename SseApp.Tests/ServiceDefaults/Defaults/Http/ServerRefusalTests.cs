namespace SseApp.Tests.ServiceDefaults.Defaults.Http;

public sealed class ServerRefusalTests(RedisServer redis) : EdgeTest(redis)
{
    public static TheoryData<string, string, int> Refused
    {
        get
        {
            var data = new TheoryData<string, string, int>();
            foreach (var service in (string[])["gateway", "replica"])
            {
                data.Add(service, "GET /topics/a?token=s3cret\r\nHost: a\r\n\r\n", 400);
                data.Add(service, "s3cret\r\n\r\n", 400);
                data.Add(service, "GET /topics/a?token=s3cret HTTP/1.1\r\n\r\n", 400);
                data.Add(service, "GET /topics/a HTTP/1.1\r\nHost: a\r\nHost: s3cret\r\n\r\n", 400);
                data.Add(service, "GET /topics/a HTTP/1.1\r\nHost: s3cret/\r\n\r\n", 400);
                data.Add(service, "GET /topics/a HTTP/1.1\r\nHost: a\r\nX y: s3cret\r\n\r\n", 400);
                data.Add(service, "GET /topics/a HTTP/1.1\r\nHost: a\r\nX-A: s3cret\0\r\n\r\n", 400);
                data.Add(service, "GET /topics/a?token=s3cret\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
                data.Add(service, "GET /topics/\u00e9?token=s3cret HTTP/1.1\r\nHost: a\r\n\r\n", 400);
                data.Add(service, "GET /topics/%00?token=s3cret HTTP/1.1\r\nHost: a\r\n\r\n", 400);
                data.Add(service, "GET topics/a?token=s3cret HTTP/1.1\r\nHost: a\r\n\r\n", 400);
                data.Add(service, "GET /topics/a HTTP/1.7\r\nHost: a\r\n\r\n", 505);
                data.Add(service, "POST /publish HTTP/1.1\r\nHost: a\r\nContent-Length: s3cret\r\n\r\n", 400);
                data.Add(service, "POST /publish HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: s3cret\r\n\r\n", 400);
                data.Add(service, "POST /publish HTTP/1.0\r\nHost: a\r\n\r\n", 400);
                data.Add(service, "POST /publish HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\ns3cret\r\n", 400);
                data.Add(service, "POST /topics/a/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcs3cret\r\n", 400);
                data.Add(service, "POST /topics/a/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n80000000\r\ns3cret", 400);
                data.Add(service, "POST /topics/a/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: s3cret\0\r\n\r\n", 400);
                data.Add(service, "CONNECT /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n", 405);
                data.Add(service, "OPTIONS a HTTP/1.1\r\nHost: a\r\n\r\n", 405);
                data.Add(service, "GET a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405);
                data.Add(service, "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 405);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task What_the_server_refuses_has_problem_details(string service, string request, int status)
    {
        var address = await AddressAsync(service);

        var answer = await RawHttp.AskAsync(address, request);

        var problem = RawHttp.AssertProblem(status, answer);
        Assert.DoesNotContain("s3cret", answer, StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.String, problem.GetProperty("title").ValueKind);
    }

    /// <summary>Each as the first request of a connection, as the next one after an answer, and right behind another one.</summary>
    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task No_head_ends_a_connection_without_an_answer(string service)
    {
        const string First = "GET /alive HTTP/1.1\r\nHost: a\r\n\r\n";
        var address = await AddressAsync(service);
        string[] numbers =
        [
            "", "-1", "1 2", "1,1", "1, 1", "0x1", "1.0", "1e3", "\u00e9", "1\u00b2", "\u00ff\u00fe", new('9', 19), new('1', 20), new('9', 20), new('1', 31), new('9', 5000),
            new('\u00e9', 31), "1\r\nContent-Length: 2", "1\r\nContent-Length: " + new string('1', 31),
        ];
        string[] others =
        [
            "Transfer-Encoding: \u00e9", "Transfer-Encoding: chunked\u00e9", "Transfer-Encoding: \u00e9, chunked\u00e9", "Transfer-Encoding: gzip", "Transfer-Encoding: " + new string('\u00e9', 5000),
            "Host: \u00e9", "Host: a\u00e9:80", "Host: [\u00e9]", "\u00e9: a", "X\u00e9: a", ": a", "a", " a: b",
        ];
        foreach (var head in numbers.Select(number => $"Host: a\r\nContent-Length: {number}").Concat(others.Select(other => other.StartsWith("Host", StringComparison.Ordinal) ? other : $"Host: a\r\n{other}")))
        {
            var request = $"POST /topics/a/events HTTP/1.1\r\n{head}\r\n\r\n";
            AssertRefused(await RawHttp.AskAsync(address, request), head);

            var behind = await RawHttp.AskAsync(address, First + request);
            Assert.StartsWith("HTTP/1.1 200 ", behind, StringComparison.Ordinal);
            AssertRefused(behind[behind.LastIndexOf("HTTP/1.1 ", StringComparison.Ordinal)..], head);

            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(address.Host, address.Port, Cancellation);
            await socket.SendAsync(Encoding.Latin1.GetBytes(First), Cancellation);
            Assert.StartsWith("HTTP/1.1 200 ", await RawHttp.ReadAsync(socket, until: "lthy"), StringComparison.OrdinalIgnoreCase);
            await socket.SendAsync(Encoding.Latin1.GetBytes(request), Cancellation);
            var next = await RawHttp.ReadAsync(socket);
            AssertRefused(next[next.IndexOf("HTTP/1.1 ", StringComparison.Ordinal)..], head);
        }

        static void AssertRefused(string answer, string head)
        {
            Assert.True(answer.Length > 0, $"No answer to {head}");
            // A number that can be read may only be too large.
            RawHttp.AssertProblem(answer.StartsWith("HTTP/1.1 413 ", StringComparison.Ordinal) ? 413 : 400, answer);
        }
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task Bytes_in_headers_about_the_connection_are_no_mistake(string service)
    {
        var address = await AddressAsync(service);
        foreach (var header in (string[])["Connection: \u00e9", "Connection: close, \u00e9", "Upgrade: \u00e9", "Connection: Upgrade\r\nUpgrade: \u00e9\u00ff", "Expect: \u00e9", "Expect: 100-continue\u00e9", "Cookie: \u00e9", "TE: \u00e9", "Keep-Alive: \u00e9"])
        {
            var answer = await RawHttp.AskAsync(address, $"POST /topics/a/events HTTP/1.1\r\nHost: a\r\n{header}\r\nContent-Length: 1\r\n\r\nx", until: "\"id\":");
            Assert.True(answer.StartsWith("HTTP/1.1 201 ", StringComparison.Ordinal), $"{header}: {answer}");
        }
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task A_head_over_twice_the_limit_is_refused_with_problem_details_too(string service)
    {
        var address = await AddressAsync(service);

        RawHttp.AssertProblem(414, await RawHttp.AskAsync(address, $"GET /events?topic={new string('a', 600_000)} HTTP/1.1\r\nHost: a\r\n\r\n"));
        RawHttp.AssertProblem(431, await RawHttp.AskAsync(address, $"GET /events?topic=a HTTP/1.1\r\nHost: a\r\nCookie: {new string('a', 1_500_000)}\r\n\r\n"));
    }

    [Theory]
    [InlineData("GET /topics/a?x={0} HTTP/1.1\r\nHost: a\r\n\r\n", 2000, 414, "url-too-long")]
    [InlineData("GET /events?x={0} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n", 2000, 414, "url-too-long")]
    [InlineData("GET /topics/a HTTP/1.1\r\nHost: a\r\nCookie: {0}\r\n\r\n", 3000, 431, "headers-too-large")]
    public async Task A_head_over_the_limit_of_the_gateway_is_refused_with_the_limit(string request, int length, int status, string reason)
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(("Limits:MaxRequestLineBytes", "1024"), ("Limits:MaxRequestHeaderBytes", "2048"));
        using var refusals = new MetricProbe(gateway, "sse_refusals_total");

        var answer = await RawHttp.AskAsync(gateway.Address, string.Format(CultureInfo.InvariantCulture, request, new string('a', length)), until: "}");

        var problem = RawHttp.AssertProblem(status, answer);
        Assert.Equal(reason, problem.GetProperty("reason").GetString());
        Assert.Contains("bytes", problem.GetProperty("detail").GetString()!, StringComparison.Ordinal);
        Assert.Equal(1, refusals.Sum);
    }

    [Fact]
    public async Task An_EventSource_whose_head_comes_too_slowly_is_asked_to_reconnect_and_others_get_problem_details()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(("Limits:RequestHeadersTimeout", "00:00:01"));

        var stream = RawHttp.AskAsync(gateway.Address, "GET /events?topic=a HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\nLast-Event-ID: kept\r\nX-");
        var other = RawHttp.AskAsync(gateway.Address, "GET /topics/a HTTP/1.1\r\nHost: a\r\nX-");

        Assert.Matches(
            "^HTTP/1.1 200 OK\r\n(.+\r\n)+\r\nretry: [0-9]+\nid: kept\nevent: stream.unavailable\ndata: \\{\"reason\":\"request-too-slow\",\"retryAfterMs\":[0-9]+\\}\n\n$", await stream);
        RawHttp.AssertProblem(408, await other);
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("gateway without relay")]
    [InlineData("replica")]
    public async Task As_many_and_as_long_topics_as_the_protocol_promises_can_be_subscribed_to(string service)
    {
        var address = await AddressAsync(service);
        // Each character encoded, as some clients do; with the id of an event of all of them.
        var query = string.Join('&', Enumerable.Range(10, 64).Select(i => "topic=" + string.Concat(Enumerable.Repeat("%2F", 198)) + i.ToString(CultureInfo.InvariantCulture)));

        var answer = await RawHttp.AskAsync(address, $"GET /events?{query}&lastEventId={new string('A', 2000)} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n", until: "/73\"");

        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        Assert.Contains("event: stream.open", answer, StringComparison.Ordinal);
    }
}
