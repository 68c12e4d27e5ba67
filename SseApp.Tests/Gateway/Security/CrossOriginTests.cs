namespace SseApp.Tests.Gateway.Security;

public sealed class CrossOriginTests : GatewayTest
{
    private const string Origin = "https://app.example";

    [Theory]
    [InlineData(Origin, "/events?topic=a", Origin, HttpStatusCode.OK)]
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

    [Fact]
    public async Task A_preflight_is_answered_by_the_gateway()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(("Cors:Origins:0", Origin));
        using var response = await SendAsync(
            gateway, HttpMethod.Options, "/topics/a/events", Origin, ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "idempotency-key"));

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal("idempotency-key", Header(response, "Access-Control-Allow-Headers"));
        Assert.Empty(origin.Requests);
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
