using System.Text.RegularExpressions;
using SseApp.Tests.Gateway;

namespace SseApp.Tests.ServiceDefaults.Defaults.Admin;

/// <summary>A listener more, and none of the others less.</summary>
public sealed partial class AdminListenerTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    [Theory]
    [InlineData("ASPNETCORE_URLS=http://127.0.0.1:{0};http://127.0.0.2:{0}", "http://127.0.0.1:{0}", "http://127.0.0.2:{0}")]
    [InlineData("ASPNETCORE_URLS=|ASPNETCORE_HTTP_PORTS={0}", "http://127.0.0.1:{0}", "http://[::1]:{0}")]
    [InlineData("Kestrel__Endpoints__one__Url=http://127.0.0.1:{0}", "http://127.0.0.1:{0}")]
    public async Task Every_listener_that_was_configured_stays(string settings, params string[] addresses)
    {
        await redis.RequireAsync();
        var port = Ports.Next();
        // One replica with each kind of setting; its registration must name a public address.
        var prefix = Guid.NewGuid().ToString("N");
        await using var replica = new ServiceProcess(
            "r1",
            "SseApp.Events",
            [
                new("ConnectionStrings__redis", redis.ConnectionString),
                new("Cluster__KeyPrefix", prefix),
                new("Logging__LogLevel__Default", "Information"),
                .. settings.Split('|').Select(setting => string.Format(CultureInfo.InvariantCulture, setting, port).Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], pair[1])),
            ],
            probe: new Uri(string.Format(CultureInfo.InvariantCulture, addresses[0], port)));
        await replica.StartAsync();

        foreach (var address in addresses.Select(address => new Uri(string.Format(CultureInfo.InvariantCulture, address, port))))
        {
            using var client = new HttpClient { BaseAddress = address };
            Assert.Equal("{\"status\":\"healthy\"}", await client.GetStringAsync("/alive", Cancellation));
            using var metrics = await client.GetAsync("/metrics", Cancellation);
            Assert.Equal(HttpStatusCode.NotFound, metrics.StatusCode);
        }

        using var operators = OperatorAccess.Client(replica.Admin);
        Assert.Contains("uptime", await operators.GetStringAsync("/health", Cancellation), StringComparison.Ordinal);
        await UntilAsync(() => replica.Process.Tail(200).Contains("is Ready at", StringComparison.Ordinal), "the replica to be registered");
        await using var connection = await redis.ConnectAsync();
        var record = (string)(await connection.GetDatabase().StringGetAsync($"{{{prefix}:replicas}}:r1"))!;
        Assert.Equal(port, new Uri(JsonDocument.Parse(record).RootElement.GetProperty("address").GetString()!).Port);
    }

    [Fact]
    public async Task The_log_says_where_and_with_which_key()
    {
        await redis.RequireAsync();
        await using var gateway = new ServiceProcess(
            "gateway",
            "SseApp.Gateway",
            [new("ConnectionStrings__redis", redis.ConnectionString), new("Logging__LogLevel__Default", "Information"), new("Admin__Urls", "http://127.0.0.1:0")]);
        await gateway.StartAsync();

        await UntilAsync(() => Announcement().IsMatch(gateway.Process.Tail(200)), "the line about operators");

        var line = Announcement().Match(gateway.Process.Tail(200));
        Assert.Equal(OperatorAccess.Key.File, line.Groups["file"].Value);
        Assert.DoesNotContain(OperatorAccess.Key.Text, gateway.Process.Tail(200), StringComparison.Ordinal);
        using var operators = OperatorAccess.Client(new Uri(line.Groups["address"].Value));
        using var answer = await operators.GetAsync("/admin/replicas", Cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [GeneratedRegex(@"Operators are answered at (?<address>http://127\.0\.0\.1:[1-9]\d*), with the key in (?<file>\S+): curl", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Announcement();
}
