namespace SseApp.Tests.Gateway.Clients;

public sealed class ForwardedHeadersTests : GatewayTest
{
    [Fact]
    public async Task The_replica_learns_the_clients_address_scheme_and_host()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync();

        await gateway.Client.GetStringAsync("/topics/a", Cancellation);

        var headers = Assert.Single(origin.Requests).Headers;
        Assert.Equal("127.0.0.1", headers["X-Forwarded-For"]);
        Assert.Equal("127.0.0.1", headers["X-Real-IP"]);
        Assert.Equal("http", headers["X-Forwarded-Proto"]);
        Assert.Equal(gateway.Address.Authority, headers["X-Forwarded-Host"]);
    }

    [Fact]
    public async Task What_a_stranger_claims_is_replaced()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/topics/a");
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", ["203.0.113.9", "198.51.100.1"]);
        request.Headers.TryAddWithoutValidation("X-Forwarded-Proto", "https");
        request.Headers.TryAddWithoutValidation("X-Forwarded-Host", "evil.example");
        request.Headers.TryAddWithoutValidation("X-Forwarded-Prefix", "/evil");
        request.Headers.TryAddWithoutValidation("X-Real-IP", "203.0.113.9");
        request.Headers.TryAddWithoutValidation("Forwarded", "for=203.0.113.9;proto=https");

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        var headers = Assert.Single(origin.Requests).Headers;
        Assert.Equal("127.0.0.1", headers["X-Forwarded-For"]);
        Assert.Equal("127.0.0.1", headers["X-Real-IP"]);
        Assert.Equal("http", headers["X-Forwarded-Proto"]);
        Assert.Equal(gateway.Address.Authority, headers["X-Forwarded-Host"]);
        Assert.Contains("for=127.0.0.1", headers["Forwarded"], StringComparison.Ordinal);
        Assert.DoesNotContain("203.0.113.9", headers["Forwarded"], StringComparison.Ordinal);
        Assert.False(headers.ContainsKey("X-Forwarded-Prefix"), "A stranger's X-Forwarded-Prefix reached the replica.");
    }

    [Theory]
    [InlineData("198.51.100.066")]
    [InlineData("198.51.100.066:4711")]
    [InlineData("203.0.113.9, 0198.51.100.66")]
    [InlineData("198.51.25700")]
    public async Task An_address_that_the_platform_takes_for_another_one_is_none(string forwarded)
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(("Proxies:Known", "127.0.0.1"), ("Access:Deny", "203.0.113.9"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/topics/a");
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", forwarded);

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        // The proxy's own, as with a word that is no address.
        Assert.Equal("127.0.0.1", Assert.Single(origin.Requests).Headers["X-Real-IP"]);
    }

    [Fact]
    public async Task The_platforms_switch_for_them_changes_nothing_and_is_reported()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(("FORWARDEDHEADERS_ENABLED", "true"), ("Access:Deny", "198.51.100.66"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/topics/a");
        request.Headers.Add("X-Forwarded-For", "198.51.100.66");

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("127.0.0.1", Assert.Single(origin.Requests).Headers["X-Forwarded-For"]);
        Assert.Contains(gateway.Logs, line => line.Contains("Name the proxies in front of the gateway in Proxies:Known", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_IPv4_client_on_a_dual_stack_socket_has_its_IPv4_address()
    {
        var origin = await OriginAsync("r1");
        var gateway = Own(await GatewayHost.StartAsync(Registry, url: "http://[::]:0"));
        using var client = new HttpClient();

        await client.GetStringAsync(new Uri($"http://127.0.0.1:{gateway.Address.Port}/topics/a"), Cancellation);

        var headers = Assert.Single(origin.Requests).Headers;
        Assert.Equal("127.0.0.1", headers["X-Forwarded-For"]);
        Assert.Equal("127.0.0.1", headers["X-Real-IP"]);
    }
}
