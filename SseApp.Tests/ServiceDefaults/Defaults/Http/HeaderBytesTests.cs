namespace SseApp.Tests.ServiceDefaults.Defaults.Http;

/// <summary>A byte that the service does not need decides over nothing, and one that passes through is not changed.</summary>
public sealed class HeaderBytesTests(RedisServer redis) : EdgeTest(redis)
{
    // Every byte of a field value (RFC 9110, 5.5): visible ones, tab, blank, and 0x80 to 0xFF.
    private static readonly string s_all = "\t " + string.Concat(Enumerable.Range(0x21, 0x5e).Concat(Enumerable.Range(0x80, 0x80)).Select(code => (char)code)) + "\t!";

    [Theory]
    [InlineData("gateway")]
    [InlineData("gateway without relay")]
    [InlineData("replica")]
    public async Task A_stream_opens_whatever_bytes_its_headers_and_its_last_id_have(string service)
    {
        var address = await AddressAsync(service);
        foreach (var header in (string[])["Cookie", "User-Agent", "Referer", "Last-Event-ID", "Origin", "X-Forwarded-For", "Accept-Language", "Authorization"])
        {
            foreach (var value in (string[])[s_all, "", "caf\u00e9", "\u00e9\u00e9\u00fe\u00ff"])
            {
                var answer = await RawHttp.AskAsync(
                    address, $"GET /events?topic=a HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n{header}: {value}\r\n\r\n", until: "\"resumed\"");
                Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
                Assert.Contains("event: stream.open", answer, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task A_publish_is_stored_whatever_bytes_its_headers_have(string service)
    {
        var address = await AddressAsync(service);

        var answer = await RawHttp.AskAsync(
            address, $"POST /topics/a/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: {s_all}\r\nUser-Agent: {s_all}\r\nContent-Length: 1\r\n\r\nx");

        Assert.StartsWith("HTTP/1.1 201 ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_sends_the_last_id_back_byte_for_byte()
    {
        var gateway = await GatewayAsync();

        var answer = await RawHttp.AskAsync(
            gateway.Address, $"GET /events?topic=a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept: text/event-stream\r\nLast-Event-ID: {s_all.Trim()}\r\n\r\n");

        Assert.Contains($"\nid: {s_all.Trim()}\nevent: stream.unavailable\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_pass_to_a_service_and_back_byte_for_byte()
    {
        await TcpOriginAsync("r1", async (socket, cancellation) =>
            await socket.SendAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 200 OK\r\nX-Answer: {s_all}\r\nSet-Cookie: a={s_all}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), cancellation));
        var gateway = await GatewayAsync();

        var seen = await RawHttp.AskAsync(gateway.Address, $"GET /topics/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: {s_all}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 ", seen, StringComparison.Ordinal);
        Assert.Contains($"X-Answer: {s_all.Trim()}\r\n", seen, StringComparison.Ordinal);
        Assert.Contains($"Set-Cookie: a={s_all}\r\n", seen, StringComparison.Ordinal);
    }
}
