namespace SseApp.Tests.ServiceDefaults.Cluster.Signing;

/// <summary>A developer starts services one by one, and gives them no key.</summary>
public sealed class DevelopmentKeyTests(RedisServer redis) : IClassFixture<RedisServer>
{
    [Fact]
    public async Task Services_of_one_user_know_each_other_and_nobody_else_can_read_their_key()
    {
        await redis.RequireAsync();
        var home = Directory.CreateTempSubdirectory("sseapp-home-").FullName;
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["Security__GatewayKey"] = "",
            ["XDG_DATA_HOME"] = home,
            ["ConnectionStrings__redis"] = redis.ConnectionString,
            ["Cluster__KeyPrefix"] = Guid.NewGuid().ToString("N"),
        };
        await using var replica = new ServiceProcess("r1", "SseApp.Events", environment);
        await using var gateway = new ServiceProcess("gateway", "SseApp.Gateway", environment);
        await Task.WhenAll(replica.StartAsync(), gateway.StartAsync());
        using var client = new HttpClient { BaseAddress = gateway.Address };

        await Eventually.Async(
            async () =>
            {
                using var answer = await client.GetAsync("/topics/a", TestContext.Current.CancellationToken);
                return answer.IsSuccessStatusCode;
            },
            TimeSpan.FromSeconds(30),
            "the gateway to use the replica");

        var file = Assert.Single(Directory.GetFiles(Path.Combine(home, "SseApp")));
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(file) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Directory.Delete(home, recursive: true);
    }
}
