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
    [InlineData("Limits:EventsPerSecond", "5000", "EventBurst (1000) must not be less than EventsPerSecond (5000)")]
    [InlineData("Limits:StoredBytesPerSecond", "-1", "StoredBytesPerSecond")]
    [InlineData("Limits:TopicsPerAddress", "100001", "TopicsPerAddress")]
    [InlineData("Limits:FirstByteTimeout", "00:00:00", "FirstByteTimeout")]
    [InlineData("Limits:Clients:0:Name", "shop", "Limits:Clients:0:Addresses is empty; write at least one address")]
    [InlineData("Limits:Clients:0:Addresses:0", "10.0.0.7", "Limits:Clients:0:Name is empty")]
    [InlineData("Limits:Clients:0:Addresses:0", "shop.internal", "Limits:Clients:0:Addresses contains 'shop.internal'; write an address")]
    [InlineData("Limits:Clients:0:Addresses:0", "10.0.0.010", "Limits:Clients:0:Addresses contains '10.0.0.010'; write an address")]
    [InlineData("Limits:Clients:0:ReadsAtOnce", "-1", "Limits:Clients:0:ReadsAtOnce is -1; it must be between 0 and 1000000")]
    [InlineData("Limits:Clients:0:Connectoins", "5", "did you mean Limits:Clients:0:Connections")]
    [InlineData("Descriptors:MaxConnections", "-1", "Descriptors:MaxConnections is -1")]
    [InlineData("Proxies:Known:0", "nginx.internal", "Proxies:Known contains 'nginx.internal'; write an address")]
    [InlineData("Proxies:ForwardedForHeader", "forwarded", "let the proxy send X-Forwarded-For")]
    [InlineData("Access:Deny:0", "10.0.0.0/99", "Access:Deny contains '10.0.0.0/99'; write an address")]
    [InlineData("Access:Deny:0", "127.0.0.010", "Access:Deny contains '127.0.0.010'; write an address")]
    [InlineData("Access:Allow:0", "::ffff:127.0.0.010", "Access:Allow contains '::ffff:127.0.0.010'; write an address")]
    [InlineData("Proxies:Known:0", "10.0.0.0/08", "Proxies:Known contains '10.0.0.0/08'; write an address")]
    [InlineData("Match:Hosts:0", "[::1]", "Match:Hosts contains '[::1]'; write a host")]
    [InlineData("Match:Hosts:0", "xn--zzzzzzzz99999.example", "Match:Hosts contains 'xn--zzzzzzzz99999.example'; write a host")]
    [InlineData("Tls:KeyFile", "key.pem", "Tls:KeyFile is 'key.pem', but without Tls:CertificateFile it does nothing")]
    [InlineData("AccessLog:QueueLines", "0", "QueueLines")]
    [InlineData("AccessLog:Exclude:0", "health", "AccessLog:Exclude contains 'health'; write a path")]
    [InlineData("AccessLog:Exclude:0", "/a*b", "AccessLog:Exclude contains '/a*b'; write a path")]
    [InlineData("AccessLog:Exclude:0", "/health?probe=1", "AccessLog:Exclude contains '/health?probe=1'; write a path")]
    [InlineData("AccessLog:Exclude:0", "/a%20b", "AccessLog:Exclude contains '/a%20b'; write a path")]
    [InlineData("StaticFiles:Root", "/nowhere/at/all", "StaticFiles:Root is '/nowhere/at/all', but there is no folder /nowhere/at/all")]
    [InlineData("StaticFiles:Fallback", "index.html", "StaticFiles:Fallback is 'index.html', but without StaticFiles:Root it does nothing")]
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
    [InlineData("Limits:Clients:0:EventsPerSecond", "50", "Limits:Clients:0:EventBurst (20) must not be less than EventsPerSecond (50)")]
    [InlineData("Limits:Clients:1:Name", "SHOP", "Limits:Clients has 'shop' more than once")]
    public async Task A_wrong_setting_of_a_named_client_stops_the_start_and_is_named(string key, string value, string message)
    {
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => GatewayAsync(
            ("Limits:Clients:0:Name", "shop"), ("Limits:Clients:0:Addresses", "10.0.0.7,10.1.0.0/16"), ("Limits:Clients:0:EventBurst", "20"),
            ("Limits:Clients:1:Addresses:0", "10.2.0.0/16"), (key, value)));
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
