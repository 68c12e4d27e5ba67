using System.Buffers;
using SseApp.Tests.ServiceDefaults.Defaults.Http;

namespace SseApp.Tests.Gateway.Refusals;

/// <summary>What a client of HTTP/2 gets that is refused: the same as one of HTTP/1.1, and its other requests go on.</summary>
public sealed class Http2RefusalTests(RedisServer redis) : EdgeTest(redis)
{
    private const string EventStream = "text/event-stream";

    public static TheoryData<string, string, string, string, int> Refused => new()
    {
        { "GET", "/topics/a?x=" + new string('a', 3_000), "", "", 414 },
        { "GET", "/events?topic=" + new string('a', 3_000), "Accept: " + EventStream, "", 414 },
        { "GET", "/topics/a", "Cookie: " + new string('a', 5_000), "", 431 },
        { "GET", "/events?topic=a", $"Accept: {EventStream}\nCookie: {new string('a', 5_000)}", "", 431 },
        { "GET", "/events", "Accept: " + EventStream, "", 400 },
        { "GET", "/events?topic=%FF", "Accept: " + EventStream, "", 400 },
        { "POST", "/topics/a/events", "", "long", 413 },
        { "POST", "/topics/a/events", "Content-Length: none", "long", 413 },
        { "POST", "/publish", "", "long", 413 },
        { "POST", "/topics/a/events", "Content-Type: image/png", "x", 415 },
        { "POST", "/topics/a/events", "Content-Encoding: gzip", "x", 415 },
        { "POST", "/topics/a/events", "Origin: https://foreign.example", "x", 403 },
        { "GET", "/nope", "", "", 404 },
        { "POST", "/nope", "", "x", 404 },
        { "POST", "/events", "", "x", 405 },
        { "DELETE", "/publish", "", "", 405 },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task A_refusal_has_problem_details_and_ends_nothing_else(string method, string path, string headers, string body, int status)
    {
        var gateway = await Http2Async(("Limits:MaxRequestLineBytes", "2048"), ("Limits:MaxRequestHeaderBytes", "4096"), ("Limits:MaxRequestBodyBytes", "1024"));
        using var client = Client(gateway);
        await using var stream = await SseReader.OpenAsync(client, "/events?topic=a");
        await stream.OpenedAsync();

        using var request = Request(method, path, headers, body);
        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal((HttpVersion.Version20, status), (response.Version, (int)response.StatusCode));
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.NotEmpty(problem.GetProperty("detail").GetString()!);
        await AssertLivesAsync(client, stream);
    }

    /// <summary>Over HTTP/2 the URL is one header of many: up to twice the limits of a whole head it is answered, and not reset.</summary>
    [Theory]
    [InlineData(70_000)]
    [InlineData(180_000)]
    public async Task An_enormous_URL_is_414_by_default_too(int length)
    {
        var gateway = await Http2Async();
        using var client = Client(gateway);
        await using var stream = await SseReader.OpenAsync(client, "/events?topic=a");
        await stream.OpenedAsync();

        using var request = Request("GET", "/topics/a?q=" + new string('q', length), "", "");
        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal((HttpStatusCode.RequestUriTooLong, "application/problem+json"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        await AssertLivesAsync(client, stream);
    }

    [Theory]
    [InlineData("Limits:StreamsPerGateway", "1", "gateway-streams")]
    [InlineData("Limits:StreamsPerAddress", "1", "address-streams")]
    [InlineData("Limits:TopicsPerAddress", "1", "topics", "/events?topic=b&topic=c")]
    public async Task An_EventSource_that_is_refused_is_asked_to_reconnect(string setting, string value, string reason, string path = "/events?topic=a")
    {
        var gateway = await Http2Async((setting, value));
        using var client = Client(gateway);
        await using var first = await SseReader.OpenAsync(client, "/events?topic=a");
        await first.OpenedAsync();

        using var request = Request("GET", path, "Accept: " + EventStream, "");
        using var response = await client.SendAsync(request, Cancellation);
        var text = await response.Content.ReadAsStringAsync(Cancellation);

        Assert.Equal((HttpStatusCode.OK, EventStream), (response.StatusCode, response.Content.Headers.ContentType!.MediaType));
        Assert.Matches($"^retry: [0-9]+\n(id: .*\n)?event: stream.unavailable\ndata: \\{{\"reason\":\"{reason}\",\"retryAfterMs\":[0-9]+\\}}\n\n$", text);
        await AssertLivesAsync(client, first);
    }

    /// <summary>What a program gets; of a publish also whether it is stored.</summary>
    [Theory]
    [InlineData("GET", "/events?topic=a", "application/json", "Limits:ConnectsPerSecond", "connect-rate")]
    [InlineData("GET", "/events?topic=a", "application/json", "Limits:StreamsPerAddress", "address-streams")]
    [InlineData("GET", "/events?topic=b", "application/json", "Limits:TopicsPerAddress", "topics")]
    [InlineData("GET", "/topics/a", "*/*", "Limits:ReadsPerSecond", "read-rate")]
    [InlineData("POST", "/topics/a/events", "*/*", "Limits:EventsPerSecond", "publish-rate")]
    [InlineData("POST", "/publish", "*/*", "Limits:EventsPerSecond", "publish-rate")]
    [InlineData("POST", "/publish", "*/*", "Limits:StoredBytesPerSecond", "publish-rate")]
    public async Task Over_a_rate_or_a_number_it_is_429_with_the_time_to_wait(string method, string path, string accept, string limit, string reason)
    {
        var gateway = await Http2Async((limit, "1"), ("Limits:EventBurst", "1"), ("Limits:ConnectBurst", "1"));
        using var client = Client(gateway);
        await using var stream = await SseReader.OpenAsync(client, "/events?topic=a");
        await stream.OpenedAsync();

        HttpResponseMessage? last = null;
        await Eventually.Async(
            async () =>
            {
                last?.Dispose();
                using var request = Request(method, path, "Accept: " + accept, method == "POST" ? """{"topic":"a","data":"x"}""" : "");
                last = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
                return last.StatusCode == HttpStatusCode.TooManyRequests;
            },
            TimeSpan.FromSeconds(20),
            "a refusal");
        using var answer = last!;

        Assert.Equal((HttpVersion.Version20, "application/problem+json"), (answer.Version, answer.Content.Headers.ContentType?.MediaType));
        Assert.True(answer.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        var problem = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal((429, reason), (problem.GetProperty("status").GetInt32(), problem.GetProperty("reason").GetString()));
        Assert.Equal(method == "POST" ? "not-stored" : null, problem.TryGetProperty("outcome", out var outcome) ? outcome.GetString() : null);
    }

    [Theory]
    [InlineData("*/*")]
    [InlineData(EventStream)]
    public async Task A_replica_refuses_a_client_of_HTTP2_in_the_same_form(string accept)
    {
        var replica = Own(await EventsHost.StartAsync(
            Server, null, ("Kestrel:EndpointDefaults:Protocols", "Http2"), ("Topics:NewHubsPerSecond", "1"), ("TopicLog:MaxIdempotencyKeys", "1")));
        using var client = Client(replica.Address);
        for (var i = 0; i < 2; i++)
        {
            using var publish = Request("POST", "/topics/a/events", $"Idempotency-Key: {i}", "x");
            using var published = await client.SendAsync(publish, Cancellation);
            Assert.Equal(i == 0 ? HttpStatusCode.Created : HttpStatusCode.TooManyRequests, published.StatusCode);
            Assert.Equal(i > 0, published.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        }

        // It is not refused for the number of its topics; others wait for a minute because of them.
        await using var first = await SseReader.OpenAsync(client, "/events?" + string.Join('&', Enumerable.Range(0, 64).Select(i => $"topic=t{i}")));
        await first.OpenedAsync();
        using var stream = Request("GET", "/events?topic=new", "Accept: " + accept, "");
        using var refused = await client.SendAsync(stream, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.Equal((accept == EventStream ? 200 : 429, HttpVersion.Version20), ((int)refused.StatusCode, refused.Version));
        Assert.Contains("topics", await refused.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Equal(accept != EventStream, refused.Headers.RetryAfter?.Delta > TimeSpan.Zero);
    }

    [Theory]
    [InlineData(EventStream, 200)]
    [InlineData("application/json", 503)]
    public async Task Without_a_replica_the_answer_is_the_same_as_over_HTTP1(string accept, int status)
    {
        var gateway = await GatewayAsync(("Kestrel:EndpointDefaults:Protocols", "Http2"));
        using var client = Client(gateway);
        using var request = Request("GET", "/events?topic=a", "Accept: " + accept, "");

        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains("no-replica", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    /// <summary>The server has no answer before the pipeline over HTTP/2: it resets the stream, and only that one.</summary>
    [Fact]
    public async Task A_path_that_the_server_refuses_by_itself_fails_alone()
    {
        var gateway = await Http2Async();
        using var client = Client(gateway);
        await using var stream = await SseReader.OpenAsync(client, "/events?topic=a");
        await stream.OpenedAsync();

        using var request = Request("GET", "/topics/%00", "", "");
        await Assert.ThrowsAsync<HttpRequestException>(() => client.SendAsync(request, Cancellation));

        await AssertLivesAsync(client, stream);
    }

    /// <summary>An EventSource takes it for a failure of the network, and reconnects.</summary>
    [Theory]
    [InlineData(20_000)]
    [InlineData(200_000)]
    public async Task A_head_that_the_server_refuses_by_itself_fails_alone_or_with_its_connection_and_the_next_request_is_answered(int bytes)
    {
        var gateway = await Http2Async(("Limits:MaxRequestLineBytes", "2048"), ("Limits:MaxRequestHeaderBytes", "4096"));
        using var client = Client(gateway);
        using (var request = Request("GET", "/events?topic=a", $"Accept: {EventStream}\nCookie: {new string('a', bytes)}", ""))
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => client.SendAsync(request, Cancellation));
        }

        await using var stream = await SseReader.OpenAsync(client, "/events?topic=a");
        await stream.OpenedAsync();
        await AssertLivesAsync(client, stream);
    }

    private static async Task AssertLivesAsync(HttpClient client, SseReader stream)
    {
        using var publish = Request("POST", "/topics/a/events", "", "goes on");
        using var published = await client.SendAsync(publish, Cancellation);
        Assert.Equal(HttpStatusCode.Created, published.StatusCode);
        Assert.Equal("goes on", (await stream.NextAsync())?.Data);
    }

    private static HttpRequestMessage Request(string method, string path, string headers, string body)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (body.Length > 0)
        {
            request.Content = new ByteArrayContent(Encoding.ASCII.GetBytes(body == "long" ? new string('x', 5_000) : body));
        }

        foreach (var line in headers.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = (line.Split(": ")[0], line.Split(": ")[1]);
            if (value == "none")
            {
                // Of a pipe nobody knows the length.
                var pipe = new System.IO.Pipelines.Pipe();
                pipe.Writer.Write(new byte[5_000]);
                pipe.Writer.Complete();
                request.Content = new StreamContent(pipe.Reader.AsStream());
            }
            else if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                (request.Content ??= new ByteArrayContent([])).Headers.TryAddWithoutValidation(name, value);
            }
        }

        return request;
    }

    private static HttpClient Client(GatewayHost gateway) => Client(gateway.Address);

    private static HttpClient Client(Uri address) => new()
    {
        BaseAddress = address,
        DefaultRequestVersion = HttpVersion.Version20,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Timeout = TimeSpan.FromSeconds(20),
    };

    private async Task<GatewayHost> Http2Async(params (string Key, string Value)[] settings) =>
        (await StartAsync(settings: [("Kestrel:EndpointDefaults:Protocols", "Http2"), .. settings])).Gateway;
}
