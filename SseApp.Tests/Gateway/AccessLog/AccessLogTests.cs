using SseApp.Gateway.AccessLog;

namespace SseApp.Tests.Gateway.AccessLog;

public sealed class AccessLogTests : GatewayTest
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sseapp-log-");

    private string LogFile => Path.Combine(_folder.FullName, "logs", "access.log");

    [Fact]
    public async Task A_stream_has_its_line_when_it_ends_with_duration_events_and_bytes()
    {
        await RelayOriginAsync("r1", async (stream, output, cancellation) =>
        {
            var open = await RelayOrigin.ReadOpenAsync(stream, cancellation);
            RelayOrigin.Begin(output, open.Id, "one");
            await RelayOrigin.ReadAsync(stream, cancellation);
        });
        var gateway = await LoggingAsync();
        using (var client = await StreamClient.OpenAsync(gateway.Client))
        {
            await client.ReadUntilAsync("data: one\n\n");
        }

        var line = await LineAsync(gateway);
        Assert.Equal("/events", line.GetProperty("path").GetString());
        Assert.Equal("r1", line.GetProperty("replica").GetString());
        Assert.Equal("id: 1\ndata: one\n\n".Length, line.GetProperty("bytes").GetInt64());
        Assert.Equal(1, line.GetProperty("events").GetInt32());
        Assert.True(line.GetProperty("durationMs").GetDouble() > 0);
    }

    [Fact]
    public async Task An_answer_that_a_health_check_writes_is_sent_and_counted()
    {
        await OriginAsync("r1");
        var gateway = await LoggingAsync(("AccessLog:Exclude", ""));

        var body = await gateway.Client.GetStringAsync("/health", TestContext.Current.CancellationToken);

        Assert.StartsWith("{\"status\":", body, StringComparison.Ordinal);
        Assert.Equal(body.Length, (await LineAsync(gateway)).GetProperty("bytes").GetInt32());
    }

    [Fact]
    public async Task A_stream_that_is_not_relayed_has_its_line_with_duration_and_bytes()
    {
        var origin = await OriginAsync("r1");
        var gateway = await LoggingAsync(("Proxies:Known:0", "127.0.0.1"));
        var text = "";
        using (var client = await StreamClient.OpenAsync(
            gateway.Client, "/events?topic=a&access_token=secret", headers: [("X-Forwarded-For", "192.0.2.7"), ("User-Agent", "Test \"1\"")]))
        {
            await client.ReadUntilAsync("stream.open");
            origin.Send(": beat\n\ndata: one\n\ndata: tw");
            await client.ReadUntilAsync("data: tw");
            origin.Send("o\n\n");
            await client.ReadUntilAsync("two\n\n");
            Assert.Empty(await LinesAsync());
            origin.EndStreams();
            text = System.Text.Encoding.UTF8.GetString(await client.ReadToEndAsync());
        }

        var line = await LineAsync(gateway);
        Assert.Equal("192.0.2.7", line.GetProperty("client").GetString());
        Assert.Equal("GET", line.GetProperty("method").GetString());
        Assert.Equal("/events", line.GetProperty("path").GetString());
        Assert.Equal("?topic=a&access_token=***", Uri.UnescapeDataString(line.GetProperty("query").GetString()!));
        Assert.Equal("HTTP/1.1", line.GetProperty("protocol").GetString());
        Assert.Equal(200, line.GetProperty("status").GetInt32());
        Assert.Equal(text.Length, line.GetProperty("bytes").GetInt64());
        Assert.False(line.TryGetProperty("events", out _), "The gateway does not count the events of a stream that is not relayed.");
        Assert.Equal("r1", line.GetProperty("replica").GetString());
        Assert.Equal("Test \"1\"", line.GetProperty("userAgent").GetString());
        Assert.False(line.GetProperty("clientLeft").GetBoolean());
        Assert.True(line.GetProperty("durationMs").GetDouble() > 0);
        Assert.NotEmpty(line.GetProperty("requestId").GetString()!);
    }

    [Theory]
    [InlineData("Logging:LogLevel:Default")]
    // By its own name, and of one output: each goes before what is set for all.
    [InlineData("Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics")]
    [InlineData("Logging:Fake:LogLevel:Default")]
    public async Task Tokens_of_any_name_are_in_no_log_metric_or_answer_however_much_is_logged(string level)
    {
        await OriginAsync("r1");
        var gateway = await LoggingAsync((level, "Trace"), ("AccessLog:Exclude", ""), ("AccessLog:ShownQuery:0", "page"), ("AccessLog:HiddenQuery:0", "topic"));
        using var client = new HttpClient { BaseAddress = gateway.Address };
        client.DefaultRequestHeaders.TryAddWithoutValidation("Referer", "https://u:s3cret@other.example/p?x=s3cret#s3cret");
        const string query = "?page=2&topic=t&jwt=s3cret&Authorization=s3cret&%74oken=s3cret&s3cret";
        foreach (var path in (string[])["/topics/a", "/none", "/admin/replicas", "/health", "/"])
        {
            using var response = await client.GetAsync(path + query, Cancellation);
            Assert.DoesNotContain("s3cret", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }

        var line = await LineAsync(gateway, 5);
        Assert.Equal("?page=2&topic=***&jwt=***&Authorization=***&token=***&***", line.GetProperty("query").GetString());
        Assert.Equal("https://***@other.example/p?***", line.GetProperty("referer").GetString());
        Assert.DoesNotContain("s3cret", await File.ReadAllTextAsync(LogFile, Cancellation), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", await gateway.Admin.GetStringAsync("/metrics", Cancellation), StringComparison.Ordinal);
        Assert.DoesNotContain(gateway.Logs, message => message.Contains("s3cret", StringComparison.Ordinal));
    }

    /// <summary>Whatever header a token got into.</summary>
    [Fact]
    public async Task A_credential_in_a_text_that_is_logged_is_hidden()
    {
        await OriginAsync("r1");
        var gateway = await LoggingAsync(("AccessLog:Exclude", ""));
        var key = $"sse_abc_{new string('k', 43)}";
        var ticket = new string('t', 43);
        const string Jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzM2NyZXQifQ.c2lnbmF0dXJl";
        string[] texts =
        [
            "Bot/1.0 Bearer s3cret", "Bot/1.0 bearer%20s3cret", "Bot (Authorization: Bearer s3cret)", "Bot authorization=Basic s3cret", "Bot?access_token=s3cret&x=1",
            "Bot access_token%3Ds3cret", "Bot {\"token\":\"s3cret\"}", "Bot api_key=s3cret; x", "Bot apikey: s3cret", "Bot X-Api-Key: s3cret", "Bot password=s3cret", "Bot session-id=s3cret", $"Bot {key}", $"Bot/{Jwt}", $"Bot {ticket}",
        ];
        foreach (var text in texts)
        {
            await RawHttp.AskAsync(gateway.Address, $"GET /topics/a HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {text}\r\nReferer: https://a.example/{text.Replace(" ", "%20", StringComparison.Ordinal)}\r\nConnection: close\r\n\r\n");
        }

        foreach (var target in (string[])[$"GET /none/{Jwt}", $"GET /none/{key}", "GET /none/Bearer%20s3cret", $"GET /topics/a?topic={Jwt}", $"GET /topics/a?lastEventId={key}"])
        {
            await RawHttp.AskAsync(gateway.Address, $"{target} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/5.0 (X11; Basic) Token/1\r\nConnection: close\r\n\r\n");
        }

        await RawHttp.AskAsync(gateway.Address, $"{Jwt} / HTTP/1.1\r\nHost: {Jwt}\r\nConnection: close\r\n\r\n");
        await LineAsync(gateway, texts.Length + 6);
        var last = await LineAsync(gateway, texts.Length + 5);
        var log = await File.ReadAllTextAsync(LogFile, Cancellation);
        Assert.All((string[])["s3cret", key, ticket, Jwt, Jwt.Split('.')[1]], secret => Assert.DoesNotContain(secret, log, StringComparison.Ordinal));
        Assert.Equal("Mozilla/5.0 (X11; Basic) Token/1", last.GetProperty("userAgent").GetString());
    }

    [Fact]
    public async Task The_user_of_a_URL_is_in_no_log_metric_or_answer_however_badly_it_is_written()
    {
        await OriginAsync("r1");
        var gateway = await LoggingAsync(("Logging:LogLevel:Default", "Trace"), ("AccessLog:Exclude", ""));
        string[] heads =
        [
            "GET / HTTP/1.1\r\nHost: localhost\r\nReferer: https:/u:s3cret@a.example/",
            "GET / HTTP/1.1\r\nHost: localhost\r\nReferer: u:s3cret@a.example",
            "GET / HTTP/1.1\r\nHost: localhost\r\nReferer: \\\\u:s3cret@a.example",
            "GET / HTTP/1.1\r\nHost: localhost\r\nReferer: https://u:s3cret%40a.example",
            "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Bot (+https:/u:s3cret@a.example)",
            "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://u:s3cret@a.example",
            "POST /topics/a/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nOrigin: https:/u:s3cret@a.example",
            "GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Host: u:s3cret@a.example\r\nX-Forwarded-For: u:s3cret@a.example",
            "GET / HTTP/1.1\r\nHost: u:s3cret@a.example",
            "GET http://u:s3cret@localhost/ HTTP/1.1\r\nHost: localhost",
            "GET /none/https://u:s3cret@a.example/ HTTP/1.1\r\nHost: localhost",
            "GET //u:s3cret@a.example/ HTTP/1.1\r\nHost: localhost",
        ];
        foreach (var head in heads)
        {
            var answer = await RawHttp.AskAsync(gateway.Address, $"{head}\r\nConnection: close\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 ", answer, StringComparison.Ordinal);
            Assert.DoesNotContain("s3cret", answer, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("s3cret", await gateway.Admin.GetStringAsync("/metrics", Cancellation), StringComparison.Ordinal);
        await LineAsync(gateway, 9);
        Assert.DoesNotContain("s3cret", await File.ReadAllTextAsync(LogFile, Cancellation), StringComparison.Ordinal);
        Assert.DoesNotContain(gateway.Logs, message => message.Contains("s3cret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_that_leaves_and_a_refusal_have_their_lines_too()
    {
        var origin = await OriginAsync("r1");
        var gateway = await LoggingAsync(("Limits:StreamsPerGateway", "1"));
        var first = await StreamClient.OpenAsync(gateway.Client);
        await first.ReadUntilAsync("stream.open");
        using (var refused = await StreamClient.OpenAsync(gateway.Client, accept: "*/*"))
        {
            var problem = JsonSerializer.Deserialize<JsonElement>(await refused.ReadToEndAsync());
            var line = await LineAsync(gateway);
            Assert.Equal(503, line.GetProperty("status").GetInt32());
            Assert.Equal(JsonValueKind.Null, line.GetProperty("replica").ValueKind);
            Assert.False(line.TryGetProperty("events", out _), "A problem is no stream.");
            Assert.Equal(problem.GetProperty("traceId").GetString(), line.GetProperty("requestId").GetString());
        }

        first.Dispose();
        await UntilAsync(() => origin.OpenStreams == 0, "the replica's stream to end");
        var left = await LineAsync(gateway, 2);
        Assert.True(left.GetProperty("clientLeft").GetBoolean());
    }

    /// <summary>As <c>logrotate</c> does it with <c>nocreate</c>, <c>create</c> and <c>copytruncate</c>.</summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public async Task A_file_that_was_moved_away_or_emptied_is_begun_anew(bool moved, bool emptied)
    {
        await OriginAsync("r1");
        var gateway = await LoggingAsync();
        await gateway.Client.GetStringAsync("/topics/before", Cancellation);
        await LineAsync(gateway);
        if (moved)
        {
            File.Move(LogFile, LogFile + ".moved");
        }

        if (emptied)
        {
            await File.WriteAllTextAsync(LogFile, "", Cancellation);
        }

        await gateway.Client.GetStringAsync("/topics/after", Cancellation);

        var line = await LineAsync(gateway);
        Assert.Equal("/topics/after", line.GetProperty("path").GetString());
    }

    [Fact]
    public async Task A_log_that_cannot_be_written_holds_up_no_request_and_is_reported()
    {
        if (!File.Exists("/dev/full"))
        {
            Assert.Skip("This system has no /dev/full to play a full disk.");
        }

        await OriginAsync("r1");
        var gateway = await GatewayAsync(("AccessLog:Enabled", "true"), ("AccessLog:File", "/dev/full"));
        using var dropped = new MetricProbe(gateway, "sse_gateway_access_log_dropped_total");
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("r1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));
        }

        await UntilAsync(() => dropped.Sum == 20, "the lost lines to be counted");
        Assert.Contains(gateway.Logs, message => message.Contains("/dev/full cannot be written", StringComparison.Ordinal));
    }

    /// <summary>To open it would wait for whoever reads it, without a word.</summary>
    [Fact]
    public async Task A_named_pipe_is_written_to_while_somebody_reads_it_and_refused_otherwise()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Named pipes are made with mkfifo.");
        var pipe = Path.Combine(_folder.FullName, "pipe");
        using (var made = Process.Start("mkfifo", pipe))
        {
            await made.WaitForExitAsync(Cancellation);
        }

        var opening = Task.Run(() => AccessLogWriter.Open(pipe), Cancellation);
        await Assert.ThrowsAsync<IOException>(() => opening.WaitAsync(TimeSpan.FromSeconds(20), Cancellation));

        // Both ways at once waits for nobody.
        await using var reader = new FileStream(pipe, FileMode.Open, FileAccess.ReadWrite);
        await using (var log = AccessLogWriter.Open(pipe))
        {
            await log.WriteAsync("{}\n"u8.ToArray(), Cancellation);
        }

        var line = new byte[3];
        await reader.ReadExactlyAsync(line, Cancellation);
        Assert.Equal("{}\n"u8, line);
    }

    [Fact]
    public async Task Without_a_file_the_lines_are_on_standard_output()
    {
        await using var redis = new RedisServer();
        await redis.RequireAsync();
        await using var gateway = new ServiceProcess("gateway", "SseApp.Gateway", new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ConnectionStrings__redis"] = redis.ConnectionString,
            ["AccessLog__Enabled"] = "true",
            ["AccessLog__Exclude__0"] = "/metrics",
        });
        await gateway.StartAsync();
        await UntilAsync(() => gateway.Process.Tail(100).Contains("\"path\":\"/alive\"", StringComparison.Ordinal), "the line of the probe");
    }

    [Fact]
    public async Task Compressed_responses_are_counted_as_sent()
    {
        var gateway = await LoggingAsync(("AccessLog:Exclude", ""));
        using var response = await gateway.Admin.SendAsync(HttpMethod.Get, "/metrics", ("Accept-Encoding", "gzip"));
        var sent = await response.Content.ReadAsByteArrayAsync(Cancellation);

        Assert.Equal(["gzip"], response.Content.Headers.ContentEncoding);
        Assert.Equal(sent.Length, (await LineAsync(gateway)).GetProperty("bytes").GetInt64());
    }

    [Theory]
    [InlineData("[\"/topics/quiet\", \"/other/*\"]", "/health", "/alive", "/metrics", "/topics/quiet/more", "/topics/end")]
    [InlineData("[]", "/health", "/alive", "/metrics", "/topics/Quiet/?a=***", "/topics/quiet/more", "/other/page", "/topics/end")]
    [InlineData(null, "/topics/Quiet/?a=***", "/topics/quiet/more", "/other/page", "/topics/end")]
    public async Task Probes_are_not_logged_and_a_list_takes_the_place_of_that_default(string? exclude, params string[] logged)
    {
        await OriginAsync("r1");
        var settings = Path.Combine(_folder.FullName, "settings.json");
        await File.WriteAllTextAsync(settings, exclude is null ? "{}" : $$"""{ "AccessLog": { "Exclude": {{exclude}} } }""", Cancellation);
        var gateway = Own(await GatewayHost.StartAsync(
            Registry, new Dictionary<string, string?>(StringComparer.Ordinal) { ["AccessLog:Enabled"] = "true", ["AccessLog:File"] = LogFile }, settingsFile: settings));

        foreach (var path in new[] { "/health", "/alive", "/metrics", "/topics/Quiet/?a=b", "/topics/quiet/more", "/other/page", "/topics/end" })
        {
            using var response = await gateway.Client.GetAsync(path, Cancellation);
        }

        await Eventually.Async(
            async () => (await LinesAsync()).LastOrDefault()?.Contains("/topics/end", StringComparison.Ordinal) == true, TimeSpan.FromSeconds(10), "the last line");
        Assert.Equal(logged, (await LinesAsync()).Select(line => JsonSerializer.Deserialize<JsonElement>(line))
            .Select(line => $"{line.GetProperty("path")}{line.GetProperty("query")}"));
    }

    /// <summary>As nginx logs it: an attack, or a client that is broken, is to be seen.</summary>
    [Theory]
    [InlineData("GET /a%00b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.2\r\nHost: localhost\r\n\r\n", 505)]
    [InlineData("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: localhost\r\nBad name: x\r\n\r\n", 400)]
    public async Task What_the_server_refuses_by_itself_has_one_line(string request, int status)
    {
        var gateway = await LoggingAsync();
        await RawHttp.AskAsync(gateway.Address, request);
        await gateway.Client.GetStringAsync("/topics/end", Cancellation).ContinueWith(static _ => { }, TaskScheduler.Default);

        var refused = await LineAsync(gateway);
        Assert.Equal(status, refused.GetProperty("status").GetInt32());
        Assert.Equal("127.0.0.1", refused.GetProperty("client").GetString());
        Assert.Equal("/topics/end", (await LineAsync(gateway, 2)).GetProperty("path").GetString());
    }

    [Fact]
    public async Task A_file_that_nobody_may_write_stops_the_start()
    {
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(
            () => GatewayAsync(("AccessLog:Enabled", "true"), ("AccessLog:File", _folder.FullName)));
        Assert.Contains("Choose a file that this user may write", exception.Message, StringComparison.Ordinal);
    }

    protected override ValueTask DisposeOwnAsync()
    {
        _folder.Delete(recursive: true);
        return default;
    }

    private Task<GatewayHost> LoggingAsync(params (string, string)[] settings) =>
        GatewayAsync([("AccessLog:Enabled", "true"), ("AccessLog:File", LogFile), .. settings]);

    private async Task<JsonElement> LineAsync(GatewayHost gateway, int number = 1)
    {
        await Eventually.Async(async () => (await LinesAsync()).Length >= number, TimeSpan.FromSeconds(10), $"line {number} of the access log of {gateway.Address}");
        return JsonSerializer.Deserialize<JsonElement>((await LinesAsync())[number - 1]);
    }

    private async Task<string[]> LinesAsync() =>
        File.Exists(LogFile) ? (await File.ReadAllTextAsync(LogFile, Cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries) : [];
}
