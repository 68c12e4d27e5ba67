using System.Text.RegularExpressions;

namespace SseApp.Tests.ServiceDefaults.Defaults.Http;

/// <summary>
/// Requests whose end two servers could see in different places. One that comes in is one that is answered, and what is hidden in
/// it (a publish to the topic <c>smuggled</c>) never happens.
/// </summary>
public sealed partial class SmugglingTests(RedisServer redis) : EdgeTest(redis)
{
    private const string Hidden = "POST /topics/smuggled/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx";
    private static readonly string s_after = $"0\r\n\r\n{Hidden}";

    private static readonly string[] s_probes =
    [
        Request($"Content-Length: {s_after.Length}\r\nTransfer-Encoding: chunked", s_after),
        Request($"Transfer-Encoding: chunked\r\nContent-Length: {s_after.Length}", s_after),
        Request($"Content-Length: {s_after.Length}\r\nTransfer-Encoding : chunked", s_after),
        Request($"Content-Length: {s_after.Length}\r\nTransfer-Encoding:\tchunked", s_after),
        Request($"Content-Length: {s_after.Length}\r\nTransfer-Encoding: xchunked", s_after),
        Request($"Content-Length: {s_after.Length}\r\nTransfer-Encoding: chunked, identity", s_after),
        Request($"Content-Length: {s_after.Length}\r\nTransfer-Encoding: identity, chunked", s_after),
        Request($"Content-Length: {s_after.Length}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x", s_after),
        Request($"Content-Length: {s_after.Length}\r\nX: y\r\n Transfer-Encoding: chunked", s_after),
        Request($"Content-Length: {s_after.Length}\r\nTransfer-Encoding\r\n : chunked", s_after),
        Request($"Content-Length: {s_after.Length}\r\nX: y\nTransfer-Encoding: chunked", s_after),
        Request($"Content-Length: 0\r\nContent-Length: {Hidden.Length}", Hidden),
        Request($"Content-Length: {Hidden.Length}\r\nContent-Length: 0", Hidden),
        Request($"Content-Length: 0, {Hidden.Length}", Hidden),
        Request($"Content-Length: +{Hidden.Length}", Hidden),
        Request($"Content-Length: -{Hidden.Length}", Hidden),
        Request($"Content-Length: 0x{Hidden.Length:x}", Hidden),
        Request($"Content-Length: {Hidden.Length} 0", Hidden),
        Request($"Content-Length : {Hidden.Length}", Hidden),
        Request("Transfer-Encoding: chunked", $"0;\n{Hidden}"),
        Request("Transfer-Encoding: chunked", $"1;a\nb\r\nx\r\n0;\r\nX:\n{Hidden}"),
        Request("Transfer-Encoding: chunked", $"0x0\r\n\r\n{Hidden}"),
        Request("Transfer-Encoding: chunked", $"-0\r\n\r\n{Hidden}"),
        Request("Transfer-Encoding: chunked", $"{Hidden.Length:x}0000000000000000\r\n{Hidden}"),
    ];

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    [InlineData("nginx")]
    [InlineData("haproxy")]
    public async Task One_request_is_one_answer_and_what_hides_in_it_does_not_happen(string service)
    {
        var (gateway, replica) = await StartAsync();
        await using var front = service switch
        {
            "nginx" => await FrontServer.NginxAsync(gateway.Address),
            "haproxy" => await FrontServer.HaproxyAsync(gateway.Address),
            _ => null,
        };
        var address = service == "replica" ? replica.Address : front?.Address ?? gateway.Address;
        foreach (var probe in s_probes)
        {
            string answer;
            using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
            {
                await socket.ConnectAsync(address.Host, address.Port, Cancellation);
                await socket.SendAsync(Encoding.Latin1.GetBytes(probe), Cancellation);
                // A server that waits for more is told that there is none.
                socket.Shutdown(SocketShutdown.Send);
                answer = await RawHttp.ReadAsync(socket);
            }

            Assert.True(Answer().Count(answer) <= 1, $"{probe}\n\n{answer}");
        }

        using var topic = JsonDocument.Parse(await replica.Client.GetStringAsync("/topics/smuggled", Cancellation));
        Assert.Equal(0, topic.RootElement.GetProperty("lastOffset").GetInt64());
    }

    /// <summary>RFC 9112, 6.1: whoever sends both may be two servers' misunderstanding. The connection ends, whatever else is on it.</summary>
    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task A_length_and_a_coding_are_400_and_the_end_of_the_connection(string service)
    {
        var address = await AddressAsync(service);
        foreach (var head in (string[])["Content-Length: 12\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 12", "Transfer-Encoding: Chunked\r\nContent-Length: 0",
            // The name under which the server keeps the length that does not count.
            "X-Content-Length: 3\r\nContent-Length: 12\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 12\r\nx-content-length:"])
        {
            foreach (var target in (string[])["POST /topics/a/events", "POST /publish", "GET /alive", "POST /none"])
            {
                var answer = await RawHttp.AskAsync(address, $"{target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n{head}\r\n\r\n2\r\nhi\r\n0\r\n\r\nGET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n");

                RawHttp.AssertProblem(400, answer);
                Assert.Single(Answer().Matches(answer));
            }
        }
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task A_header_of_the_name_under_which_the_server_keeps_a_length_decides_nothing(string service)
    {
        var address = await AddressAsync(service);
        foreach (var head in (string[])["X-Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "X-Content-Length: 3\r\nContent-Length: 2\r\n\r\nhi"])
        {
            // The next one of the connection, too, and who leaves in the middle of it gets nothing more.
            var answer = await RawHttp.AskAsync(address, $"GET /alive HTTP/1.1\r\nHost: localhost\r\nX-Content-Length: 1\r\n\r\nPOST /topics/a/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}");

            Assert.Equal(["HTTP/1.1 200 ", "HTTP/1.1 201 "], Answer().Matches(answer).Select(match => match.Value));
        }
    }

    /// <summary>RFC 9112, 6.1: HTTP/1.0 knows no codings; its framing is faulty, whatever else it has.</summary>
    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task A_coding_in_HTTP_1_0_is_400_and_the_end_of_the_connection(string service)
    {
        var address = await AddressAsync(service);
        foreach (var head in (string[])["Transfer-Encoding: chunked", "Content-Length: 12\r\nTransfer-Encoding: chunked"])
        {
            foreach (var target in (string[])["POST /topics/a/events", "GET /alive"])
            {
                var answer = await RawHttp.AskAsync(address, $"{target} HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n{head}\r\n\r\n2\r\nhi\r\n0\r\n\r\nGET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n");

                RawHttp.AssertProblem(400, answer);
                Assert.Single(Answer().Matches(answer));
            }
        }
    }

    /// <summary>RFC 9110, 8.6: digits, and nothing else.</summary>
    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task A_length_that_another_server_would_read_differently_is_400(string service)
    {
        var address = await AddressAsync(service);
        foreach (var (length, status) in ((string, int)[])
        [
            ("2", 201), ("02", 201), (" 2\t", 201), ("00000000000000002", 201),
            ("+2", 400), ("-0", 400), ("+0", 400), ("-2", 400), ("0x2", 400), ("2_0", 400), ("2.0", 400), ("2e0", 400), ("2,2", 400), ("2 2", 400), ("\u00B2", 400), ("", 400),
            ("9223372036854775808", 400), ("00000000000000000000000000000002", 400), (new string('2', 300), 400),
        ])
        {
            var answer = await RawHttp.AskAsync(address, $"POST /topics/a/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\nhi");
            Assert.True(answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal), $"{length}: {answer}");
        }
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task The_host_of_the_request_line_is_the_one_that_counts(string service)
    {
        var address = await AddressAsync(service);

        Assert.StartsWith("HTTP/1.1 400 ", await RawHttp.AskAsync(address, "GET http://evil.example/alive HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400 ", await RawHttp.AskAsync(address, "GET http://evil.example/alive HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200 ", await RawHttp.AskAsync(address, "GET http://localhost/alive HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
    }

    private static string Request(string framing, string body) => $"POST /topics/a/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{framing}\r\n\r\n{body}";

    [GeneratedRegex("HTTP/1\\.[01] [0-9]{3} ", RegexOptions.NonBacktracking)]
    private static partial Regex Answer();
}
