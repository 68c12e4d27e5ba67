namespace SseApp.Tests.Gateway.Security;

public sealed class CrossOriginTests : GatewayTest
{
    private const string Origin = "https://app.example";

    [Theory]
    [InlineData(Origin, "/events?topic=a", Origin, HttpStatusCode.OK)]
    [InlineData("https://app.example.", "/events?topic=a", "https://app.example.", HttpStatusCode.OK)]
    [InlineData("https://app.example:443", "/events?topic=a", "https://app.example:443", HttpStatusCode.OK)]
    [InlineData("http://app.example", "/events?topic=a", null, HttpStatusCode.OK)]
    [InlineData("https://app.example.evil.example", "/events?topic=a", null, HttpStatusCode.OK)]
    [InlineData("null", "/events?topic=a", null, HttpStatusCode.OK)]
    [InlineData("https://evil.example", "/events?topic=a", null, HttpStatusCode.OK)]
    [InlineData(Origin, "/admin/replicas", null, HttpStatusCode.NotFound)]
    public async Task Only_pages_of_the_named_origins_may_read_streams_and_nobody_the_operator_api(string origin, string path, string? allowed, HttpStatusCode status)
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(("Cors:Origins:0", Origin), ("Cors:AllowCredentials", "true"));
        using var response = await SendAsync(gateway, HttpMethod.Get, path, origin);

        Assert.Equal(status, response.StatusCode);
        Assert.Equal(allowed, Header(response, "Access-Control-Allow-Origin"));
        Assert.Equal(allowed is null ? null : "true", Header(response, "Access-Control-Allow-Credentials"));
    }

    [Fact]
    public async Task A_refusal_can_be_read_by_the_page_too()
    {
        var gateway = await GatewayAsync(("Cors:Origins:0", "*"));
        using var response = await SendAsync(gateway, HttpMethod.Get, "/events?topic=a", Origin);

        Assert.Contains("stream.unavailable", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Equal("*", Header(response, "Access-Control-Allow-Origin"));
    }

    /// <summary>Without leave to read it, a page takes it for a failure of the network, and tries again for ever.</summary>
    [Theory]
    [InlineData(Origin, HttpStatusCode.RequestUriTooLong, true)]
    [InlineData(Origin, HttpStatusCode.RequestHeaderFieldsTooLarge, true)]
    [InlineData(Origin, HttpStatusCode.Forbidden, true)]
    [InlineData("https://evil.example", HttpStatusCode.RequestUriTooLong, false)]
    public async Task What_is_refused_before_a_route_is_found_can_be_read_by_the_page_too(string origin, HttpStatusCode status, bool allowed)
    {
        var gateway = await GatewayAsync(
            ("Cors:Origins:0", Origin), ("Limits:MaxRequestLineBytes", "2048"), ("Limits:MaxRequestHeaderBytes", "2048"), ("Access:Deny", status == HttpStatusCode.Forbidden ? "127.0.0.1" : ""));
        using var response = await SendAsync(
            gateway, HttpMethod.Get, "/events?topic=" + (status == HttpStatusCode.RequestUriTooLong ? new string('a', 3_000) : "a"), origin,
            ("X-More", status == HttpStatusCode.RequestHeaderFieldsTooLarge ? new string('a', 3_000) : "a"));

        Assert.Equal(status, response.StatusCode);
        Assert.Equal(allowed ? origin : null, Header(response, "Access-Control-Allow-Origin"));
        Assert.Equal(allowed, response.Headers.Vary.Contains("Origin"));
    }

    [Fact]
    public async Task A_preflight_is_answered_by_the_gateway()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(("Cors:Origins:0", Origin));
        using var response = await SendAsync(
            gateway, HttpMethod.Options, "/topics/a/events", Origin, ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "idempotency-key"));

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Contains("idempotency-key", Header(response, "Access-Control-Allow-Headers")!.Split(','), StringComparer.OrdinalIgnoreCase);
        Assert.Empty(origin.Requests);
    }

    [Theory]
    [InlineData("POST", "last-event-id,content-type,authorization", true)]
    [InlineData("POST", "x-of-a-service", true)]
    [InlineData("PUT", "content-type", true)]
    [InlineData("DELETE", "content-type", false)]
    [InlineData("POST", "x-real-ip", false)]
    [InlineData("POST", "x-forwarded-for,content-type", false)]
    [InlineData("POST", "x-http-method-override", false)]
    public async Task Pages_may_use_the_methods_and_headers_that_have_names(string method, string headers, bool allowed)
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(("Cors:Origins:0", Origin), ("Cors:Methods:0", "PUT"), ("Cors:Headers:0", "X-Of-A-Service"));
        using var response = await SendAsync(
            gateway, HttpMethod.Options, "/topics/a/events", Origin, ("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", headers));

        var methods = Header(response, "Access-Control-Allow-Methods")?.Split(',') ?? [];
        var names = Header(response, "Access-Control-Allow-Headers")?.Split(',') ?? [];
        Assert.DoesNotContain("*", methods.Concat(names));
        Assert.Equal(allowed, methods.Contains(method, StringComparer.Ordinal) && headers.Split(',').All(name => names.Contains(name, StringComparer.OrdinalIgnoreCase)));
    }

    private static Task<HttpResponseMessage> SendAsync(
        GatewayHost gateway, HttpMethod method, string path, string origin, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Accept", "text/event-stream, */*");
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        return gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.Single() : null;
}
