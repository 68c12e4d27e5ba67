namespace SseApp.Tests.Gateway.Routing;

public sealed class HostsTests : GatewayTest
{
    [Theory]
    [InlineData("events.example.org", true)]
    [InlineData("Events.Example.ORG:8080", true)]
    [InlineData("events.example.org.", true)]
    [InlineData("Events.example.org.:80", true)]
    [InlineData("events.example.org:443", true)]
    [InlineData("full.example.org", true)]
    [InlineData("full.example.org.:8080", true)]
    [InlineData("a.example.net.", true)]
    [InlineData("secure.example.org.:8443", true)]
    [InlineData("secure.example.org.:8444", false)]
    [InlineData("events.example.org.evil.example", false)]
    [InlineData("example.org.", false)]
    [InlineData("a.b.example.net", true)]
    [InlineData("xn--bcher-kva.example", true)]
    [InlineData("secure.example.org:8443", true)]
    [InlineData("secure.example.org:8444", false)]
    [InlineData("example.net", false)]
    [InlineData("example.org", false)]
    [InlineData("127.0.0.1", false)]
    public async Task Our_routes_answer_for_the_configured_hosts_only(string host, bool ours)
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(
            ("Match:Hosts:0", "events.example.org"),
            ("Match:Hosts:1", "*.example.net"),
            ("Match:Hosts:2", "xn--bcher-kva.example"),
            ("Match:Hosts:3", "secure.example.org:8443"),
            ("Match:Hosts:4", "full.example.org."),
            ("Hosts:Allowed:0", "*"));

        foreach (var path in new[] { "/events?topic=a", "/topics/a", "/publish" })
        {
            Assert.Equal(ours ? HttpStatusCode.OK : HttpStatusCode.NotFound, await StatusAsync(gateway, host, path));
        }

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway, host, "/alive"));
    }

    [Fact]
    public async Task Another_host_gets_what_the_other_routes_have()
    {
        await OriginAsync("r1");
        var other = Own(await OriginHost.StartAsync("other"));
        var gateway = await GatewayAsync(
            [.. OtherService(other).Select(setting => (setting.Key, setting.Value.Replace("/other/", "/", StringComparison.Ordinal))), ("Match:Hosts:0", "events.example.org"), ("Hosts:Allowed:0", "example.org")]);

        Assert.Equal("other", await BodyAsync("example.org"));
        Assert.Equal("r1", await BodyAsync("events.example.org"));

        async Task<string> BodyAsync(string host)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/topics/a");
            request.Headers.Host = host;
            using var response = await gateway.Client.SendAsync(request, Cancellation);
            return await response.Content.ReadAsStringAsync(Cancellation);
        }
    }

    /// <summary>They do not know the gateway's names, and would refuse them.</summary>
    [Theory]
    [InlineData("events.example.org")]
    [InlineData("xn--bcher-kva.example")]
    [InlineData("a.xn--bcher-kva.example:8080")]
    public async Task Replicas_are_asked_under_their_own_address(string host)
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(("Hosts:Allowed:0", "*"));

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway, host, "/topics/a"));

        var request = origin.Requests.Single();
        Assert.Equal(origin.Address.Authority, request.Headers["Host"]);
        Assert.Equal(host, request.Headers["X-Forwarded-Host"]);
    }

    private static async Task<HttpStatusCode> StatusAsync(GatewayHost gateway, string host, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Host = host;
        using var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        return response.StatusCode;
    }
}
