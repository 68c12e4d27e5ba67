namespace SseApp.Tests.Gateway.Clients;

public sealed class ProxiesTests : GatewayTest
{
    [Theory]
    [InlineData("203.0.113.9", "203.0.113.9")]
    [InlineData("1.1.1.1, 203.0.113.9", "203.0.113.9")]
    [InlineData("1.1.1.1, 203.0.113.9, 10.1.2.3", "203.0.113.9")]
    [InlineData("203.0.113.9:4711", "203.0.113.9")]
    [InlineData("::ffff:203.0.113.9", "203.0.113.9")]
    [InlineData("2001:db8::7", "2001:db8::7")]
    [InlineData("2001:db8::7, 2001:db8:ffff::1", "2001:db8::7")]
    [InlineData("nonsense", "127.0.0.1")]
    [InlineData("203.0.113.9, nonsense, 10.1.2.3", "10.1.2.3")]
    public async Task Of_a_chain_the_first_stranger_from_the_right_is_the_client(string forwardedFor, string client)
    {
        var headers = await HeadersAtReplicaAsync(
            [("Proxies:Known:0", "127.0.0.0/8"), ("Proxies:Known:1", "10.0.0.0/8"), ("Proxies:Known:2", "2001:db8:ffff::/48")],
            ("X-Forwarded-For", forwardedFor));

        Assert.Equal(client, headers["X-Real-IP"]);
        Assert.Equal(client, headers["X-Forwarded-For"]);
        var node = client.Contains(':', StringComparison.Ordinal) ? $"\"[{client}]\"" : client;
        Assert.Contains($"for={node}", headers["Forwarded"], StringComparison.Ordinal);
        Assert.DoesNotContain(headers.Keys, name => name.StartsWith("X-Original-", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Scheme_and_host_of_a_known_proxy_reach_the_replica()
    {
        var headers = await HeadersAtReplicaAsync(
            [("Proxies:Known:0", "127.0.0.1"), ("Hosts:Allowed:0", "events.example")],
            ("X-Forwarded-For", "203.0.113.9"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "events.example"));

        Assert.Equal("https", headers["X-Forwarded-Proto"]);
        Assert.Equal("events.example", headers["X-Forwarded-Host"]);
        Assert.Contains("proto=https", headers["Forwarded"], StringComparison.Ordinal);
        Assert.Contains("host=events.example", headers["Forwarded"].Replace("\"", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stranger_is_not_believed_although_proxies_are_known()
    {
        var headers = await HeadersAtReplicaAsync(
            [("Proxies:Known:0", "10.0.0.0/8")],
            ("X-Forwarded-For", "203.0.113.9"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "evil.example"),
            ("X-Real-IP", "203.0.113.9"),
            ("X-Original-For", "203.0.113.9"),
            ("Forwarded", "for=203.0.113.9;proto=https"));

        Assert.Equal("127.0.0.1", headers["X-Real-IP"]);
        Assert.Equal("127.0.0.1", headers["X-Forwarded-For"]);
        Assert.Equal("http", headers["X-Forwarded-Proto"]);
        Assert.DoesNotContain("203.0.113.9", headers["Forwarded"], StringComparison.Ordinal);
        Assert.DoesNotContain("evil", headers["Host"] + headers["X-Forwarded-Host"], StringComparison.Ordinal);
        Assert.False(headers.ContainsKey("X-Original-For"), "A stranger's X-Original-For reached the replica.");
    }

    [Fact]
    public async Task Another_header_can_carry_the_address()
    {
        var headers = await HeadersAtReplicaAsync(
            [("Proxies:Known:0", "127.0.0.1"), ("Proxies:ForwardedForHeader", "CF-Connecting-IP")],
            ("X-Forwarded-For", "1.1.1.1"),
            ("CF-Connecting-IP", "203.0.113.9"));
        Assert.Equal("203.0.113.9", headers["X-Real-IP"]);
    }

    [Fact]
    public async Task Forwarded_is_not_read_although_a_known_proxy_sent_it()
    {
        var headers = await HeadersAtReplicaAsync([("Proxies:Known:0", "127.0.0.1")], ("Forwarded", "for=203.0.113.9;proto=https;host=events.example"));

        Assert.Equal("127.0.0.1", headers["X-Real-IP"]);
        Assert.Equal("http", headers["X-Forwarded-Proto"]);
        Assert.DoesNotContain(headers, pair => pair.Value.Contains("203.0.113.9", StringComparison.Ordinal) || pair.Value.Contains("events.example", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("10.0.0.0/8", "127.0.0.1")]
    [InlineData("127.0.0.1", "203.0.113.9")]
    public async Task A_header_of_another_name_never_reaches_a_replica(string known, string client)
    {
        var headers = await HeadersAtReplicaAsync(
            [("Proxies:Known:0", known), ("Proxies:ForwardedForHeader", "CF-Connecting-IP")], ("CF-Connecting-IP", "1.1.1.1, 203.0.113.9"));

        Assert.Equal(client, headers["X-Real-IP"]);
        Assert.False(headers.ContainsKey("CF-Connecting-IP"), "What somebody claimed reached the replica.");
    }

    [Fact]
    public async Task A_strangers_Forwarded_does_not_reach_a_service_whose_route_has_transforms_of_its_own()
    {
        var service = Own(await OriginHost.StartAsync("s1"));
        var gateway = await GatewayAsync([.. OtherService(service), ("ReverseProxy:Routes:other:Transforms:0:X-Forwarded", "Append")]);
        using var response = await gateway.Client.SendAsync(HttpMethod.Get, "/other/page", ("Forwarded", "for=203.0.113.9"));

        Assert.False(Assert.Single(service.Requests).Headers.ContainsKey("Forwarded"), "A stranger's Forwarded reached the service.");
    }

    private async Task<IReadOnlyDictionary<string, string>> HeadersAtReplicaAsync(
        (string, string)[] settings, params (string Name, string Value)[] sent)
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(settings);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/topics/a");
        foreach (var (name, value) in sent)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await gateway.Client.SendAsync(request, Cancellation);
        return Assert.Single(origin.Requests).Headers;
    }
}
