namespace SseApp.Tests.ServiceDefaults.Defaults.Http;

public sealed class MethodTests(RedisServer redis) : EdgeTest(redis)
{
    private static readonly string[] s_contentHeaders = ["Content-Type", "Cache-Control", "X-Accel-Buffering", "Content-Encoding", "Location", "ETag"];

    [Theory]
    [InlineData("replica", "/health", "/alive", "/metrics", "/topics/a", "/topics/a/events", "/topics/a/events?limit=x", "/topics/!", "/admin/topics", "/relay", "/none")]
    [InlineData("replica for operators", "/health", "/alive", "/admin/topics", "/admin/connections", "/admin/process", "/topics/a", "/events", "/none")]
    [InlineData("gateway", "/health", "/alive", "/metrics", "/topics/a", "/topics/a/events", "/topics/a/events?limit=x", "/topics/!", "/admin/topics", "/", "/console.css", "/none")]
    [InlineData("gateway for operators", "/health", "/alive", "/admin/topics", "/admin/connections", "/admin/replicas", "/admin/reload", "/admin/alerts", "/", "/console.css", "/topics/a", "/events", "/none")]
    public async Task HEAD_answers_as_GET_without_a_body(string service, params string[] paths)
    {
        using var client = await ClientAsync(service);
        foreach (var path in paths)
        {
            using var get = await SendAsync(client, HttpMethod.Get, path);
            using var head = await SendAsync(client, HttpMethod.Head, path);

            Assert.True(get.StatusCode == head.StatusCode, $"{path}: GET {get.StatusCode}, HEAD {head.StatusCode}");
            Assert.Equal(Headers(get), Headers(head));
            Assert.Empty(await head.Content.ReadAsByteArrayAsync(Cancellation));
        }
    }

    [Theory]
    [InlineData("replica")]
    [InlineData("gateway")]
    public async Task HEAD_of_a_stream_answers_as_the_stream_and_opens_none(string service)
    {
        var (gateway, replica) = await StartAsync();
        using var client = Client(service == "replica" ? replica.Address : gateway.Address);
        foreach (var path in (string[])["/events?topic=a", "/events", "/events?topic=a&history=x"])
        {
            using var get = await SendAsync(client, HttpMethod.Get, path);
            using var head = await SendAsync(client, HttpMethod.Head, path);

            Assert.Equal(get.StatusCode, head.StatusCode);
            Assert.Equal(Headers(get), Headers(head));
            Assert.Empty(await head.Content.ReadAsByteArrayAsync(Cancellation));
        }

        await UntilAsync(() => replica.Get<SseApp.Events.Diagnostics.EventsMetrics>().ActiveConnections == 0, "the streams of GET to end");
        Assert.Equal(1, replica.Get<SseApp.Events.Diagnostics.EventsMetrics>().TotalOpened);
    }

    [Fact]
    public async Task HEAD_of_a_stream_that_cannot_be_had_answers_as_GET_does()
    {
        var gateway = await GatewayAsync();
        using var soft = await SendAsync(gateway.Client, HttpMethod.Head, "/events?topic=a", "text/event-stream");
        using var hard = await SendAsync(gateway.Client, HttpMethod.Head, "/events?topic=a");

        Assert.Equal(HttpStatusCode.OK, soft.StatusCode);
        Assert.Equal("text/event-stream", soft.Content.Headers.ContentType?.MediaType);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, hard.StatusCode);
    }

    [Theory]
    [InlineData("replica", "/events", "GET, HEAD, OPTIONS")]
    [InlineData("replica", "/health", "GET, HEAD, OPTIONS")]
    [InlineData("replica", "/alive", "GET, HEAD, OPTIONS")]
    [InlineData("replica for operators", "/metrics", "GET, HEAD, OPTIONS")]
    [InlineData("replica for operators", "/topics/a", "DELETE, OPTIONS")]
    [InlineData("replica", "/publish", "OPTIONS, POST")]
    [InlineData("replica", "/topics/a", "GET, HEAD, OPTIONS")]
    [InlineData("replica", "/topics/a/events", "GET, HEAD, OPTIONS, POST")]
    [InlineData("replica for operators", "/admin/topics", "GET, HEAD, OPTIONS")]
    [InlineData("gateway", "/events", "GET, HEAD, OPTIONS")]
    [InlineData("gateway", "/health", "GET, HEAD, OPTIONS")]
    [InlineData("gateway for operators", "/metrics", "GET, HEAD, OPTIONS")]
    [InlineData("gateway for operators", "/topics/a", "DELETE, OPTIONS")]
    [InlineData("gateway", "/topics/a", "GET, HEAD, OPTIONS")]
    [InlineData("gateway", "/publish", "OPTIONS, POST")]
    [InlineData("gateway", "/topics/a/events", "GET, HEAD, OPTIONS, POST")]
    [InlineData("gateway for operators", "/admin/reload", "GET, HEAD, OPTIONS, POST")]
    [InlineData("gateway for operators", "/admin/replicas", "GET, HEAD, OPTIONS")]
    [InlineData("gateway", "/", "GET, HEAD, OPTIONS")]
    [InlineData("gateway", "/console.js", "GET, HEAD, OPTIONS")]
    public async Task OPTIONS_and_a_wrong_method_say_what_is_allowed(string service, string path, string allowed)
    {
        using var client = await ClientAsync(service);

        using var options = await SendAsync(client, HttpMethod.Options, path);
        using var wrong = await SendAsync(client, HttpMethod.Patch, path);

        Assert.Equal(HttpStatusCode.NoContent, options.StatusCode);
        Assert.Equal(allowed, string.Join(", ", options.Content.Headers.Allow.Order(StringComparer.Ordinal)));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, wrong.StatusCode);
        Assert.Equal(allowed, string.Join(", ", wrong.Content.Headers.Allow.Order(StringComparer.Ordinal)));
        Assert.Equal("application/problem+json", wrong.Content.Headers.ContentType?.MediaType);
    }

    /// <summary>RFC 9110, 9.3.7: it is about the server as a whole, and often asks only whether that is there.</summary>
    [Theory]
    [InlineData("replica", "", 204)]
    [InlineData("gateway", "", 204)]
    [InlineData("replica for operators", "Authorization: Bearer KEY\r\n", 204)]
    [InlineData("gateway for operators", "Authorization: Bearer KEY\r\n", 204)]
    [InlineData("replica for operators", "", 401)]
    [InlineData("gateway for operators", "", 401)]
    public async Task OPTIONS_of_no_path_says_what_the_service_allows(string service, string credential, int status)
    {
        using var client = await ClientAsync(service);
        credential = credential.Replace("KEY", client.DefaultRequestHeaders.Authorization?.Parameter, StringComparison.Ordinal);

        var answer = await RawHttp.AskAsync(client.BaseAddress!, $"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{credential}\r\n");

        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Equal(status == 204, answer.Contains("\r\nAllow: GET, HEAD, POST, DELETE, OPTIONS\r\n", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("replica", "/relay", "/admin/topics", "/metrics", "/none")]
    [InlineData("gateway", "/relay", "/admin/topics", "/metrics", "/none")]
    public async Task Where_there_is_nothing_OPTIONS_finds_nothing(string service, params string[] paths)
    {
        using var client = await ClientAsync(service);
        foreach (var path in paths)
        {
            using var options = await SendAsync(client, HttpMethod.Options, path);
            Assert.True(options.StatusCode == HttpStatusCode.NotFound, $"{path}: {options.StatusCode}");
        }
    }

    /// <summary>As every method that is none; what a proxy in front took for an unknown one must not be done all the same.</summary>
    [Theory]
    [InlineData("replica")]
    [InlineData("gateway")]
    [InlineData("replica for operators")]
    [InlineData("gateway for operators")]
    public async Task A_method_in_small_letters_is_none(string service)
    {
        using var client = await ClientAsync(service);
        foreach (var request in (string[])["get /topics/a", "Get /alive", "post /topics/a/events", "head /alive", "delete /topics/a", "options /events", "get /events?topic=a"])
        {
            var answer = await RawHttp.AskAsync(client.BaseAddress!, $"{request} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");
            var problem = RawHttp.AssertProblem(501, answer);
            Assert.Contains("capitals", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }
    }

    private async Task<HttpClient> ClientAsync(string service)
    {
        var (gateway, replica) = await StartAsync();
        return service switch
        {
            "replica" => Client(replica.Address),
            "gateway" => Client(gateway.Address),
            "replica for operators" => OperatorAccess.Client(replica.Admin.BaseAddress!),
            _ => OperatorAccess.Client(gateway.Admin.BaseAddress!),
        };
    }

    private static HttpClient Client(Uri address) => new() { BaseAddress = address };

    private static Task<HttpResponseMessage> SendAsync(HttpClient client, HttpMethod method, string path, string accept = "*/*")
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        return client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    private static string Headers(HttpResponseMessage response) => string.Join(
        '\n',
        response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated)
            .Where(header => s_contentHeaders.Contains(header.Key, StringComparer.OrdinalIgnoreCase))
            .Select(header => $"{header.Key}: {header.Value}")
            .Order(StringComparer.Ordinal));
}
