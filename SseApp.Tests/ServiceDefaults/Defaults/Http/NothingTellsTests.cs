using System.Text.RegularExpressions;

namespace SseApp.Tests.ServiceDefaults.Defaults.Http;

/// <summary>What answers must not say, and must say, whoever made them.</summary>
public sealed partial class NothingTellsTests(RedisServer redis) : EdgeTest(redis)
{
    private const string Post = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";

    public static TheoryData<string, string> Answered
    {
        get
        {
            var data = new TheoryData<string, string>();
            string[] requests =
            [
                // Right ones.
                $"GET /health{Post}\r\n",
                $"GET /alive{Post}\r\n",
                $"GET /metrics{Post}\r\n",
                $"GET /topics/a{Post}\r\n",
                $"GET /topics/a/events{Post}\r\n",
                $"POST /topics/a/events{Post}Content-Length: 1\r\n\r\nx",
                $"POST /publish{Post}Content-Length: 26\r\n\r\n[{{\"topic\":\"a\",\"data\":\"x\"}}]",
                $"OPTIONS /publish{Post}\r\n",
                $"HEAD /topics/a{Post}\r\n",
                $"GET /{Post}\r\n",
                $"GET /console.js{Post}\r\n",
                // Wrong ones.
                $"GET /nothing{Post}\r\n",
                $"GET /nothing{Post}Accept: text/html\r\n\r\n",
                $"PATCH /publish{Post}\r\n",
                $"GET /events{Post}\r\n",
                $"GET /events?topic=..{Post}\r\n",
                $"GET /topics/a%2F..%2Fb{Post}\r\n",
                $"GET /topics/a/events?limit=x{Post}\r\n",
                $"GET /topics/a/events?limit=1&limit=2{Post}\r\n",
                $"GET /topics/a/events?after=x{Post}\r\n",
                $"GET /admin/topics?limit=x{Post}\r\n",
                $"GET /admin/topics?limit=99999999999999{Post}\r\n",
                $"GET /admin/connections?limit=&after=x{Post}\r\n",
                $"POST /admin/connections/x/disconnect?permanent=maybe{Post}Content-Length: 0\r\n\r\n",
                $"POST /admin/topics/a/disconnect?permanent=2{Post}Content-Length: 0\r\n\r\n",
                $"POST /admin/replicas/a/drain?force=perhaps{Post}Content-Length: 0\r\n\r\n",
                $"GET /admin/alerts?limit=x{Post}\r\n",
                $"DELETE /topics/..{Post}\r\n",
                $"POST /topics/..%2F..%2Fadmin%2Ftopics/events{Post}Content-Length: 1\r\n\r\nx",
                $"POST /topics/a/events?event=%0A{Post}Content-Length: 1\r\n\r\nx",
                $"POST /topics/a/events{Post}Content-Type: what\r\nContent-Length: 1\r\n\r\nx",
                $"POST /topics/a/events{Post}Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
                $"POST /topics/a/events{Post}Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                .. ((string[])
                [
                    "", "[", "{", "null", "1", "\"x\"", "[null]", "[1]", "[[]]", "[{}]", "[{\"topic\":1}]", "[{\"topic\":[\"a\"]}]", "[{\"topics\":\"a\"}]", "[{\"topics\":[1]}]",
                    "[{\"topics\":{\"a\":1}}]", "[{\"event\":{}}]", "[{\"key\":1}]", "[{\"topic\":\"a\",\"topic\":\"b\",\"data\":1}]", "[{\"tpic\":\"a\",\"data\":1}]",
                    "[{\"topic\":\"a\"}]", "[{\"topic\":\"a\",\"data\":\"\\ud800\"}]", "[{\"topic\":\"\\ud800\",\"data\":\"x\"}]", "[{\"topic\":\"a\xff\",\"data\":1}]",
                    "[{\"topic\":\"..\",\"data\":1}]", "[{\"topic\":\"a\",\"data\":1},]", "[tru]", "{\"topic\":\"a\",\"data\":1}x", $"{new string('[', 5000)}",
                    $"[{{\"topic\":\"a\",\"data\":{new string('[', 500)}{new string(']', 500)}}}]", $"[{{\"{new string('a', 5000)}\":1}}]",
                ]).Select(body => $"POST /publish{Post}Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"),
                // The server's own.
                "GET /topics/a HTTP/1.1\r\nHost: a\r\nX y: b\r\n\r\n",
                "nothing\r\n\r\n",
                "GET /topics/a HTTP/1.9\r\nHost: a\r\n\r\n",
                "GET /topics/%00 HTTP/1.1\r\nHost: a\r\n\r\n",
            ];
            foreach (var request in requests)
            {
                data.Add("gateway", request);
                data.Add("replica", request);
            }

            return data;
        }
    }

    [Fact]
    public async Task Answers_name_no_types_and_no_server_and_are_not_to_be_guessed_at()
    {
        var (gateway, replica) = await StartAsync();
        var faults = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(Answered, new ParallelOptions { MaxDegreeOfParallelism = 24, CancellationToken = Cancellation }, async (row, _) =>
        {
            var (service, request) = (row.Data.Item1, row.Data.Item2);
            var answer = await RawHttp.AskAsync(service == "gateway" ? gateway.Address : replica.Address, request);
            var (head, body) = (answer[..answer.IndexOf("\r\n\r\n", StringComparison.Ordinal)], answer[answer.IndexOf("\r\n\r\n", StringComparison.Ordinal)..]);
            var why = !head.Contains("\r\nX-Content-Type-Options: nosniff", StringComparison.OrdinalIgnoreCase) ? "no nosniff"
                : head.Contains("\r\nServer:", StringComparison.OrdinalIgnoreCase) ? "a Server header"
                : head.StartsWith("HTTP/1.1 5", StringComparison.Ordinal) && !head.StartsWith("HTTP/1.1 505 ", StringComparison.Ordinal) ? "a failure"
                : !request.StartsWith("GET /metrics", StringComparison.Ordinal) && !request.StartsWith("GET /console", StringComparison.Ordinal) && Types().Match(body) is { Success: true } type ? $"the type '{type.Value}'"
                : null;
            if (why is not null)
            {
                faults.Add($"{service}: {why} in the answer to {request[..Math.Min(120, request.Length)]}: {answer[..Math.Min(600, answer.Length)]}");
            }
        });

        Assert.True(faults.IsEmpty, string.Join("\n\n", faults));
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("gateway without relay")]
    [InlineData("replica")]
    public async Task Streams_are_not_to_be_guessed_at_either(string service)
    {
        var address = await AddressAsync(service);

        var stream = await RawHttp.AskAsync(address, "GET /events?topic=a HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n", until: "event: stream.open");

        Assert.Single(NoSniff().Matches(stream));
        Assert.DoesNotContain("\r\nServer:", stream, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Neither_a_replica_nor_a_configured_service_says_through_the_gateway_what_it_runs_on()
    {
        await HandlingOriginAsync("r1", AnswerAsync);
        var other = Own(await OriginHost.StartAsync("other", AnswerAsync));
        var gateway = await GatewayAsync(OtherService(other));
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be routed to");
        foreach (var path in (string[])["/topics/a", "/other/a"])
        {
            using var response = await gateway.Client.GetAsync(path, Cancellation);

            Assert.Equal("said", Assert.Single(response.Headers.GetValues("X-Said")));
            Assert.False(response.Headers.Contains("Server"), path);
            Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        }

        static Task AnswerAsync(HttpContext context)
        {
            context.Response.Headers.Server = "Kestrel";
            context.Response.Headers["X-Said"] = "said";
            return context.Response.WriteAsync("x");
        }
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task A_path_with_dots_never_reaches_another_endpoint(string service)
    {
        var address = await AddressAsync(service);
        foreach (var (path, status) in new[]
        {
            ("/topics/..%2F..%2Fadmin%2Ftopics/events", 400),
            ("/topics/%2e%2e%2fa/events", 400),
            ("/topics/a%2f%2e%2e/events", 400),
            ("/topics/a:..:b/events", 400),
            // Kestrel takes them out of the path: what is left is another path, of which nothing is.
            ("/topics/../events", 405),
            ("/topics/%2e%2e/nothing", 404),
        })
        {
            var answer = await RawHttp.AskAsync(address, $"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");

            Assert.True(answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal), $"{path}: {answer}");
        }
    }

    // Names of types as they are written in code, and stacks.
    [GeneratedRegex(@"\b(System|Microsoft|SseApp|Yarp|StackExchange|OpenTelemetry)\.[A-Z]|\bInt32\b|\b(int|bool|string) [a-z]+\b.?""|[a-z]Exception\b|   at ", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Types();

    [GeneratedRegex("X-Content-Type-Options: nosniff", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex NoSniff();
}
