namespace SseApp.Tests.Hostile;

/// <summary>Deep and wide JSON, and queries of megabytes: refused with a status, counted, and beside others.</summary>
public sealed class LargeInputTests(RedisServer redis) : HostileTest(redis)
{
    private const int Deep = 1_000_000;
    private const int Wide = 200_000;

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task JSON_may_be_as_deep_and_as_wide_as_it_likes(string service)
    {
        var site = await BeginAsync();
        var client = service == "gateway" ? site.Gateway.Client : site.Replica.Client;
        var members = string.Join(',', Enumerable.Range(0, Wide).Select(i => $"\"m{i}\":{i}"));
        // Not one as JSON, larger than any event, or with more topics than an item may have.
        foreach (var body in (string[])
        [
            new('[', Deep),
            new string('[', Deep) + new string(']', Deep),
            string.Concat(Enumerable.Repeat("{\"a\":", Deep)),
            $"{{\"topic\":\"a\",\"data\":{new string('[', Deep)}{new string(']', Deep)}}}",
            $"{{\"topic\":\"a\",\"data\":{new string('[', 20_000)}{new string(']', 20_000)}}}",
            $"{{\"topic\":\"a\",\"data\":\"x\",{members}}}",
            $"{{{members}}}",
            $"{{\"topic\":\"a\",\"data\":{{{members}}}}}",
            $"{{\"topics\":[{string.Join(',', Enumerable.Repeat("\"a\"", Wide))}],\"data\":\"x\"}}",
            $"{{\"topics\":[{string.Join(',', Enumerable.Range(0, 5_000).Select(i => $"\"{i}\""))}],\"data\":\"x\"}}",
        ])
        {
            using var answer = await client.PostAsync("/publish", new StringContent(body), Cancellation);
            var text = await answer.Content.ReadAsStringAsync(Cancellation);
            Assert.True((int)answer.StatusCode is 400 or 413, $"{body[..60]}… of {body.Length}: {(int)answer.StatusCode} {text}");
            await site.AssertGoesOnAsync();
        }

        if (service == "gateway")
        {
            await UntilAsync(() => site.Answers(400) + site.Answers(413) == 10, "all to be counted");
        }
    }

    [Fact]
    public async Task A_giant_query_is_refused_with_the_limit_that_it_breaks()
    {
        var site = await BeginAsync();
        var topics = string.Concat(Enumerable.Range(10_000, 5_000).Select(i => $"&topic={i}"));
        foreach (var (query, status) in new (string, int)[]
        {
            ("topic=a" + string.Concat(Enumerable.Repeat("&topic=a", 7_000)), 200),
            ("topic=a" + string.Concat(Enumerable.Repeat("&a=1", 15_000)), 200),
            ("topic=a" + string.Concat(Enumerable.Range(0, 6_000).Select(i => $"&p{i}=")), 200),
            ("topic=a" + new string('&', 60_000), 200),
            ("a" + topics, 400),
            ("a" + topics + topics, 414),
            ("topic=a&x=" + new string('x', 4_000_000), 414),
        })
        {
            var answer = await RawHttp.AskAsync(
                site.Gateway.Address, $"GET /events?{query} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n", until: status == 200 ? "stream.open" : "}");
            Assert.True(answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal), $"{query[..40]}… of {query.Length}: {answer}");
            await site.AssertGoesOnAsync();
        }

        Assert.Equal(1, site.Refusals("url-too-long"));
        await UntilAsync(() => site.Ends("invalid_request_line") >= 1, "the longest one to be counted");
        await using var connection = await RawHttp2.ConnectAsync(site.Gateway.SecureAddress);
        var fields = RawHttp2.Request("GET", "/events?topic=a&x=" + new string('x', 4_000_000));
        await connection.SendAsync(Http2Frame.Write(Http2Frame.Headers, Http2Frame.EndStream, 1, fields[..16_000]));
        for (var sent = 16_000; sent < fields.Length && await connection.SendAsync(Http2Frame.Write(Http2Frame.Continuation, 0, 1, fields[sent..Math.Min(fields.Length, sent + 16_000)])); sent += 16_000)
        {
        }

        await connection.EndedAsync();
        await UntilAsync(() => site.Ends("error_reading_headers") + site.Ends("max_request_headers_total_size_exceeded") >= 1, $"it to be counted: {site.AllEnds}");
        await site.AssertGoesOnAsync();
    }
}
