extern alias cli;

using cli::SseApp.Cli.Gateway;
using SseApp.Bench.Generator;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Cli;

/// <summary>What a user of <c>sse</c> can meet that is no gateway, or none that can be reached.</summary>
public sealed class FailureTests
{
    private static readonly Dictionary<string, string> s_nothing = new(StringComparer.Ordinal);

    [Fact]
    public async Task Where_nobody_answers_is_said_without_a_stack()
    {
        var variables = Operator(new Uri($"http://127.0.0.1:{Ports.Next()}"));
        foreach (var command in new[] { (string[])["status"], ["reload"], ["tail", "news"], ["publish", "news", "x"], ["show", "r1"] })
        {
            var (code, output, error) = await ToolRun.ToEndAsync(command, variables);

            Assert.Equal((3, ""), (code, output));
            Assert.Matches(@"^sse: Nobody answers at http://127\.0\.0\.1:\d+ \(Connection refused\)\.\n$", error);
        }
    }

    [Fact]
    public async Task What_answers_but_is_no_gateway_is_named_as_such()
    {
        await using var page = await PageServer.StartAsync(app => app.MapFallback(context => context.Response.WriteAsync("<h1>Welcome</h1>", context.RequestAborted)));
        await using var broken = TcpOrigin.Start(async (socket, cancellation) => await socket.SendAsync("SSH-2.0-OpenSSH_9.2\r\n"u8.ToArray(), cancellation));
        await using var elsewhere = await PageServer.StartAsync(app => app.MapFallback(context =>
        {
            context.Response.Redirect("https://login.example.test/?next=x");
            return Task.CompletedTask;
        }));

        foreach (var (address, reason) in new[] { (page.Address, "its answer is no JSON"), (broken.Address, "127.0.0.1"), (elsewhere.Address, "sends elsewhere (302): https://login.example.test.") })
        {
            var (code, output, error) = await ToolRun.ToEndAsync(["status"], Operator(address));
            Assert.Equal((3, ""), (code, output));
            Assert.Contains(reason, error, StringComparison.Ordinal);
            Assert.Single(error.TrimEnd('\n').Split('\n'));
        }

        var (tail, _, noStream) = await ToolRun.ToEndAsync(["tail", "news"], Operator(page.Address));
        Assert.Equal(3, tail);
        Assert.Contains("no gateway's listener for clients: its answer is no stream", noStream, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("publish", "https://user:secret@gateway")]
    [InlineData("status", "localhost:8081")]
    [InlineData("status", "ftp://gateway")]
    [InlineData("status", "http://gateway/admin")]
    public async Task An_address_that_is_none_is_the_callers_mistake_and_is_not_repeated(string command, string url)
    {
        var (code, output, error) = await ToolRun.ToEndAsync(command == "publish" ? ["publish", "news", "x", "--url", url] : [command, "--url", url], s_nothing);

        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith("sse: --url is no address of a gateway", error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("stats")]
    [InlineData("show")]
    [InlineData("tail")]
    [InlineData("size", "--users", "many", "--events-per-second", "1", "--bytes", "1")]
    [InlineData("size", "--users", "0", "--events-per-second", "1", "--bytes", "1")]
    [InlineData("topics", "--limit", "0")]
    [InlineData("status", "--key", "in-the-list-of-processes")]
    public async Task Wrong_arguments_end_with_2_and_one_line(params string[] args)
    {
        var (code, output, error) = await ToolRun.ToEndAsync(args, s_nothing);

        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith("sse: ", error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    [Theory]
    [InlineData("--events-per-second is '1,5'; it must be a number from 0 to 1000000", "size", "--users", "9", "--bytes", "1", "--events-per-second", "1,5")]
    [InlineData("--audience is '0,5'; it must be a number from 0 to 1", "size", "--users", "9", "--bytes", "1", "--events-per-second", "1", "--audience", "0,5")]
    [InlineData("--users is '1,000'; it must be a whole number from 1 to 100000000", "size", "--users", "1,000", "--bytes", "1", "--events-per-second", "1")]
    [InlineData("--topics is '1.5'; it must be a whole number from 1 to 100000000", "size", "--users", "9", "--bytes", "1", "--events-per-second", "1", "--topics", "1.5")]
    [InlineData("--count is '-1'; it must be a whole number, at least 1", "tail", "t", "--count", "-1")]
    [InlineData("--history is '1000001'; it must be a whole number from 0 to 1000000", "tail", "t", "--history", "1000001")]
    [InlineData("--count is '0'; it must be a whole number, at least 1", "monit", "--count", "0")]
    [InlineData("--limit is 'all'; it must be a whole number from 1 to", "topics", "--limit", "all")]
    [InlineData("<replica> is empty.", "show", "")]
    [InlineData("<replica> is empty.", "undrain", " ")]
    [InlineData("<topic> is empty.", "tail", "t", "")]
    [InlineData("<topic> is empty.", "publish", "", "x")]
    [InlineData("--id is empty.", "publish", "t", "x", "--id", "")]
    [InlineData("--from is empty.", "tail", "t", "--from", "")]
    [InlineData("--topic is empty.", "decode", "x", "--topic", "")]
    [InlineData("<id> is empty.", "decode", "")]
    public async Task A_wrong_value_is_named_with_its_range_and_without_a_type_of_NET(string message, params string[] args)
    {
        var (code, output, error) = await ToolRun.ToEndAsync(args, s_nothing);

        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith($"sse: {message}", error, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_comes_from_a_variable_or_a_file_and_is_never_shown()
    {
        var folder = Directory.CreateTempSubdirectory("sse-cli-");
        try
        {
            var (key, empty) = (Path.Combine(folder.FullName, "key"), Path.Combine(folder.FullName, "empty"));
            await File.WriteAllTextAsync(key, "right-key\n", TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(empty, "\n", TestContext.Current.CancellationToken);
            var sent = new ConcurrentQueue<string>();
            await using var server = await PageServer.StartAsync(app => app.MapFallback(context =>
            {
                sent.Enqueue(context.Request.Headers.Authorization.ToString());
                context.Response.StatusCode = 401;
                context.Response.Headers.CacheControl = "no-store";
                return Task.CompletedTask;
            }));
            foreach (var (variable, value, option) in new[] { ("SSE_ADMIN_KEY", "right-key", (string[])[]), ("SSE_ADMIN_KEY_FILE", key, []), ("Admin__KeyFile", key, []), ("OTHER", "", ["--key-file", key]) })
            {
                var (code, _, error) = await ToolRun.ToEndAsync(
                    ["status", .. option], new Dictionary<string, string>(StringComparer.Ordinal) { ["SSE_ADMIN_URL"] = server.Address.AbsoluteUri, [variable] = value });
                Assert.Equal(4, code);
                Assert.DoesNotContain("right-key", error, StringComparison.Ordinal);
            }

            Assert.Equal(Enumerable.Repeat("Bearer right-key", 4), sent);

            foreach (var (file, message) in new[] { (empty, "holds no key or token"), (Path.Combine(folder.FullName, "none"), "there is no file") })
            {
                var (code, _, error) = await ToolRun.ToEndAsync(["status", "--key-file", file, "--url", server.Address.AbsoluteUri], s_nothing);
                Assert.Equal(2, code);
                Assert.Contains(message, error, StringComparison.Ordinal);
            }

            // What this machine's gateway has is not sent to another one.
            var (remote, _, without) = await ToolRun.ToEndAsync(
                ["status", "--url", "http://192.0.2.1:8081"], new Dictionary<string, string>(StringComparer.Ordinal) { ["Admin__KeyFile"] = key });
            Assert.Equal(2, remote);
            Assert.Contains("SSE_ADMIN_KEY", without, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Inside a container nobody has a key for clients yet: both commands say how to give one.</summary>
    [Theory]
    [InlineData("publish", "news", "hello")]
    [InlineData("tail", "news")]
    public async Task Without_a_clients_key_it_says_how_to_name_one(params string[] args)
    {
        await using var server = await PageServer.StartAsync(app => app.MapFallback(context => context.Request.Method == HttpMethods.Post
            ? Results.Problem("None came.", statusCode: 401, extensions: [new("reason", AuthReason.NoCredentials)]).ExecuteAsync(context)
            : Refused(context)));

        var (code, _, error) = await ToolRun.ToEndAsync([.. args, "--url", server.Address.AbsoluteUri], s_nothing);

        Assert.Equal(4, code);
        Assert.EndsWith("set SSE_TOKEN, or name a file with --token-file.\n", error, StringComparison.Ordinal);

        static Task Refused(HttpContext context)
        {
            context.Response.ContentType = "text/event-stream";
            return context.Response.WriteAsync($"event: stream.unauthorized\ndata: {{\"reason\":\"{AuthReason.NoCredentials}\",\"retryAfterMs\":30000}}\n\n");
        }
    }

    [Theory]
    [InlineData("Admin__Urls", "http://*:9081;http://10.0.0.7:9082", "http://127.0.0.1:9081/")]
    [InlineData("Admin__Urls", "http://127.0.0.1:0", "http://127.0.0.1:8081/")]
    [InlineData("Admin__Urls", "http://[::]:9083", "http://127.0.0.1:9083/")]
    [InlineData("SSE_ADMIN_URL", "https://gateway:9443", "https://gateway:9443/")]
    [InlineData("OTHER", "", "http://127.0.0.1:8081/")]
    public void In_the_gateways_container_its_own_settings_say_where_operators_are_answered(string variable, string value, string expected) =>
        Assert.Equal(expected, GatewayAddress.OfOperators(null, name => name == variable ? value : null).AbsoluteUri);

    [Theory]
    [InlineData("ASPNETCORE_URLS", "http://+:5000", "http://127.0.0.1:5000/")]
    [InlineData("ASPNETCORE_HTTP_PORTS", "9080;9081", "http://127.0.0.1:9080/")]
    [InlineData("SSE_URL", "http://gateway", "http://gateway/")]
    [InlineData("OTHER", "", "http://127.0.0.1:8080/")]
    public void And_where_clients_are(string variable, string value, string expected) =>
        Assert.Equal(expected, GatewayAddress.OfClients(null, name => name == variable ? value : null).AbsoluteUri);

    [Fact]
    public async Task A_stream_comes_back_after_the_time_that_the_server_gave_with_the_last_id()
    {
        var time = new FakeTimeProvider();
        var ids = new ConcurrentQueue<string>();
        await using var server = await PageServer.StartAsync(app => app.MapGet("/events", async context =>
        {
            ids.Enqueue(context.Request.Headers["Last-Event-ID"].ToString());
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync($"retry: 7000\n\nid: A{ids.Count}\ndata: {ids.Count}\n\n", context.RequestAborted);
            if (ids.Count > 1)
            {
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
            }
        }));
        await using var tail = ToolRun.Start(["tail", "news", "--raw"], Operator(server.Address), time: time);

        await tail.UntilAsync(run => run.Error.Contains("reconnecting in 7.0 s", StringComparison.Ordinal), "the first cut");
        time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal([""], ids);
        // The wait may begin a moment after the note.
        await Eventually.Async(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return ids.Count == 2;
            },
            TimeSpan.FromSeconds(30),
            "the second connection");

        await tail.UntilAsync(run => run.OutputLines.Length == 2, "the second event");
        Assert.Equal(["1", "2"], tail.OutputLines);
        Assert.Equal("A1", ids.ElementAt(1));
    }

    [Theory]
    [InlineData("event: stream.unauthorized\nretry: 30000\ndata: {\"reason\":\"token-expired\"}\n\n", 4, "get a new token")]
    [InlineData("event: stream.unauthorized\nretry: 30000\ndata: {\"reason\":\"topic-denied\",\"topic\":\"news\"}\n\n", 4, "topic-denied: news")]
    [InlineData("id: stream.closed\nevent: stream.closed\ndata: {\"reason\":\"operator\"}\n\n", 0, "asks not to come back")]
    public async Task A_stream_that_will_not_be_let_in_again_ends_and_says_why(string stream, int expected, string message)
    {
        await using var server = await PageServer.StartAsync(app => app.MapGet("/events", context =>
        {
            context.Response.ContentType = "text/event-stream";
            return context.Response.WriteAsync(stream, context.RequestAborted);
        }));

        var (code, output, error) = await ToolRun.ToEndAsync(["tail", "news"], Operator(server.Address));

        Assert.Equal((expected, ""), (code, output));
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task As_a_process_it_ends_cleanly_by_CtrlC_and_when_nobody_reads_it_any_more()
    {
        await using var server = await PageServer.StartAsync(app => app.MapGet("/events", async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("event: stream.open\ndata: {\"replica\":\"r1\"}\n\nid: A\ndata: one\n\n", context.RequestAborted);
            for (; context.Request.Query["topic"] == "endless"; await context.Response.WriteAsync("id: A\ndata: more\n\n", context.RequestAborted))
            {
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }

            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        }));
        var program = Repository.Assembly("SseApp.Cli", "sse");
        // The shell's own child gets the signal; a pipe whose reader leaves after a line.
        var script = $$"""
            export SSE_URL={{server.Address.AbsoluteUri}}
            dotnet {{program}} tail endless --raw | head -1
            echo "pipe ${PIPESTATUS[0]}"
            exec dotnet {{program}} tail news --raw
            """;
        var output = new ConcurrentQueue<string>();
        var errors = new ConcurrentQueue<string>();
        await using var shell = ChildProcess.Start(new ProcessStartInfo("bash", ["-c", script]), output.Enqueue, errors.Enqueue);
        await Eventually.Async(() => output.Count == 3, TimeSpan.FromSeconds(60), $"three lines; {shell.Tail(20)}");

        Libc.Signal(shell.Id, 2);
        await shell.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.Equal(["one", "pipe 0", "one"], output);
        Assert.Equal(0, shell.ExitCode);
        Assert.Contains("sse: To go on from here: --from A", errors);
    }

    [Fact]
    public async Task An_output_that_takes_nothing_more_is_a_failure()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full here.");
        var program = Repository.Assembly("SseApp.Cli", "sse");
        var lines = new ConcurrentQueue<string>();
        await using var shell = ChildProcess.Start(
            new ProcessStartInfo("bash", ["-c", $"for command in '--help' 'size --users 9 --events-per-second 1 --bytes 9'; do dotnet {program} $command 2>&1 >/dev/full; echo $?; done; dotnet {program} size --users 9 --events-per-second 1 --bytes 9 2>&1 >&-; echo $?"]), lines.Enqueue, lines.Enqueue);
        await shell.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        await Eventually.Async(() => lines.Count >= 6, TimeSpan.FromSeconds(10), "three messages and three exit codes");

        const string Message = "sse: The output cannot be written: No space left on device.";
        Assert.Equal([Message, "1", Message, "1", "sse: The output cannot be written: it is closed.", "1"], lines);
    }

    private static Dictionary<string, string> Operator(Uri address) => new(StringComparer.Ordinal)
    {
        ["SSE_ADMIN_URL"] = address.AbsoluteUri,
        ["SSE_URL"] = address.AbsoluteUri,
        ["SSE_ADMIN_KEY"] = "a-key",
    };
}
