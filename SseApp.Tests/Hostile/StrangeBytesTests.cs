using SseApp.Tests.ServiceDefaults.Defaults.Http;

namespace SseApp.Tests.Hostile;

/// <summary>
/// CR, LF, NUL and what is no UTF-8, where HTTP/2 or a coding lets them through: refused, or never a line of an answer. Over HTTP/1.1
/// see <see cref="ServerRefusalTests"/> and <see cref="HeaderBytesTests"/>, for bodies <c>InputTests</c>.
/// </summary>
public sealed class StrangeBytesTests(RedisServer redis) : HostileTest(redis)
{
    private static readonly string[] s_breaks = ["\r", "\n", "\0", "\r\n"];

    private static readonly string[] s_coded = ["%0A", "%0D", "%00", "%0D%0A", "%FF", "%C0%80", "%ED%A0%80", "%E2%82", "%F4%90%80%80"];

    [Fact]
    public async Task Line_ends_and_NUL_in_the_fields_of_HTTP2_are_refused_and_counted()
    {
        var site = await BeginAsync();
        foreach (var bytes in s_breaks)
        {
            await using var connection = await RawHttp2.ConnectAsync(site.Gateway.SecureAddress);
            var id = 1;
            foreach (var fields in (byte[][])
            [
                RawHttp2.Request("GET", "/events?topic=a", ("accept", "text/event-stream"), ("last-event-id", $"a{bytes}data: forged")),
                RawHttp2.Request("GET", "/topics/a", ("cookie", $"a{bytes}b")),
                RawHttp2.Request("GET", "/topics/a", ("x-a", $"{bytes}")),
                RawHttp2.Request("GET", "/topics/a", ($"x{bytes}a", "b")),
                RawHttp2.Request("GET", $"/topics/a{bytes}b"),
                RawHttp2.Request("GET", $"/topics/a?b={bytes}c"),
                RawHttp2.Request($"GET{bytes}", "/topics/a"),
                RawHttp2.Fields((":method", "GET"), (":scheme", "https"), (":authority", $"a{bytes}b"), (":path", "/topics/a")),
                RawHttp2.Request("POST", "/topics/a/events", ("idempotency-key", $"a{bytes}b")),
            ])
            {
                var sender = connection;
                await using var other = connection.GoneWith is null && await connection.SendAsync([]) ? null : sender = await RawHttp2.ConnectAsync(site.Gateway.SecureAddress);
                await sender.SendAsync(Http2Frame.Write(Http2Frame.Headers, Http2Frame.EndStream | Http2Frame.EndHeaders, id, fields));
                var answer = await sender.AnswerAsync(id);
                Assert.True(answer is null or < 0 or 400, $"{Encoding.Latin1.GetString(fields)}: {answer}");
                id += 2;
            }
        }

        await site.AssertGoesOnAsync();
        await UntilAsync(() => site.Answers(400) + site.Ends("invalid_request_headers") > 0, "them to be counted");
        Assert.True(site.Refusals("header-name") >= 1, "Names of headers were not counted.");
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task What_a_coding_hides_is_refused_or_stays_a_value(string service)
    {
        var site = await BeginAsync();
        var address = service == "gateway" ? site.Gateway.Address : site.Replica.Address;
        using var requests = HostileSite.Collect<double>(
            service == "gateway" ? site.Gateway.Services : site.Replica.Services, "Microsoft.AspNetCore.Hosting", "http.server.request.duration");
        foreach (var bytes in s_coded)
        {
            foreach (var target in (string[])[$"GET /events?topic=a{bytes}", $"GET /topics/a{bytes}b", $"GET /topics/a{bytes}b/events", $"POST /topics/a{bytes}b/events", $"POST /topics/a/events?event=a{bytes}b"])
            {
                var answer = await RawHttp.AskAsync(address, $"{target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
                Assert.True(answer.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal), $"{target}: {answer}");
            }

            // An id that nobody made is a gap, and comes back in no line.
            var stream = await RawHttp.AskAsync(
                address, $"GET /events?topic=a&lastEventId=x{bytes}data:forged{bytes}{bytes} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n", until: "stream.gap");
            Assert.StartsWith("HTTP/1.1 200 ", stream, StringComparison.Ordinal);
            Assert.DoesNotContain("forged", stream, StringComparison.Ordinal);
        }

        await UntilAsync(() => requests.GetMeasurementSnapshot().Any(measured => Equals(measured.Tags["http.response.status_code"], 400)), "them to be counted");
        await site.AssertGoesOnAsync();
    }

    [Fact]
    public async Task A_refusal_repeats_no_id_of_the_query()
    {
        var gateway = await GatewayAsync();

        var answer = await RawHttp.AskAsync(
            gateway.Address, "GET /events?topic=a&lastEventId=x%0Adata:forged%0A%0A HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept: text/event-stream\r\n\r\n");

        Assert.Contains("event: stream.unavailable\n", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("forged", answer, StringComparison.Ordinal);
    }
}
