namespace SseApp.Tests.Gateway;

public sealed class OptionsTests : GatewayTest
{
    [Theory]
    [InlineData("Balancing:Policy", "IpHsah", "known policies are")]
    [InlineData("Balancing:HashKey", "header:", "it must be 'ip'")]
    [InlineData("Balancing:LoadFactor", "0.9", "LoadFactor")]
    [InlineData("ReplicaHealth:MaxFails", "-1", "MaxFails")]
    [InlineData("Upstream:MaxAttempts", "0", "MaxAttempts")]
    [InlineData("ReplicaHealth:Timeout", "00:01:00", "must not exceed")]
    [InlineData("Refusals:MaxRetry", "00:00:00.100", "must not be less than")]
    [InlineData("Limits:MaxRequestBodyBytes", "0", "MaxRequestBodyBytes")]
    [InlineData("Limits:StreamsPerAddress", "-1", "StreamsPerAddress")]
    [InlineData("Limits:ConnectsPerSecond", "500", "ConnectBurst (200) must not be less than ConnectsPerSecond (500)")]
    [InlineData("Limits:IPv6PrefixLength", "129", "IPv6PrefixLength")]
    [InlineData("Proxies:Known:0", "nginx.internal", "Proxies:Known contains 'nginx.internal'; write an address")]
    [InlineData("Proxies:ForwardedForHeader", "forwarded", "let the proxy send X-Forwarded-For")]
    [InlineData("Access:Deny:0", "10.0.0.0/99", "Access:Deny contains '10.0.0.0/99'; write an address")]
    [InlineData("Access:Deny:0", "127.0.0.010", "Access:Deny contains '127.0.0.010'; write an address")]
    [InlineData("Access:Allow:0", "::ffff:127.0.0.010", "Access:Allow contains '::ffff:127.0.0.010'; write an address")]
    [InlineData("Proxies:Known:0", "10.0.0.0/08", "Proxies:Known contains '10.0.0.0/08'; write an address")]
    [InlineData("Match:Hosts:0", "[::1]", "Match:Hosts contains '[::1]'; write a host")]
    [InlineData("Match:Hosts:0", "xn--zzzzzzzz99999.example", "Match:Hosts contains 'xn--zzzzzzzz99999.example'; write a host")]
    [InlineData("Tls:KeyFile", "key.pem", "Tls:KeyFile is set, but not Tls:CertificateFile")]
    [InlineData("AccessLog:QueueLines", "0", "QueueLines")]
    [InlineData("AccessLog:Exclude:0", "health", "AccessLog:Exclude contains 'health'; write a path")]
    [InlineData("AccessLog:Exclude:0", "/a*b", "AccessLog:Exclude contains '/a*b'; write a path")]
    [InlineData("StaticFiles:Root", "/nowhere/at/all", "StaticFiles:Root is '/nowhere/at/all', but there is no folder /nowhere/at/all")]
    [InlineData("StaticFiles:Fallback", "index.html", "StaticFiles:Fallback is set, but not StaticFiles:Root")]
    [InlineData("StaticFiles:Immutable:0", "assets", "StaticFiles:Immutable contains 'assets'; write a path")]
    [InlineData("Match:Hosts:0", "https://example.org", "Match:Hosts contains 'https://example.org'; write a host")]
    [InlineData("Match:Hosts:0", "example.*", "Match:Hosts contains 'example.*'; write a host")]
    [InlineData("Match:Hosts:0", "", "Match:Hosts:0 is ''; it must be one text without spaces")]
    [InlineData("Match:Hosts:0", "example.org:port", "Match:Hosts contains 'example.org:port'; write a host")]
    [InlineData("Compression:Level", "NoCompression", "Level")]
    public async Task A_wrong_setting_stops_the_start_and_is_named(string key, string value, string message)
    {
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => GatewayAsync((key, value)));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("LeastConnections")]
    [InlineData("weightedroundrobin")]
    [InlineData("RoundRobin")]
    [InlineData("PowerOfTwoChoices")]
    public async Task Each_policy_can_be_named(string policy)
    {
        await OriginAsync("r1");
        await OriginAsync("r2");
        var gateway = await GatewayAsync(("Balancing:Policy", policy));
        Assert.StartsWith("r", await gateway.Client.GetStringAsync("/topics/a", Cancellation), StringComparison.Ordinal);
    }
}
