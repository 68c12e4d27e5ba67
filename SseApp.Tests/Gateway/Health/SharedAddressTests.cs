using SseApp.Gateway.Replicas;

namespace SseApp.Tests.Gateway.Health;

/// <summary>A replica that announces an address which is not its own.</summary>
public sealed class SharedAddressTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private static readonly (string Key, string Value)[] s_short =
    [
        ("ReplicaRegistry:HeartbeatInterval", "00:00:00.200"),
        ("ReplicaRegistry:Expiry", "00:00:02"),
        ("ReplicaHealth:Interval", "00:00:00.200"),
        ("ReplicaHealth:Timeout", "00:00:00.400"),
    ];

    private readonly string _prefix = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Of_two_that_announce_one_address_the_one_that_is_there_serves()
    {
        var first = await ReplicaAsync();
        await ReplicaAsync(("Replica:AdvertisedAddress", first.Address.AbsoluteUri));
        var gateway = await GatewayOnRedisAsync(redis, _prefix, replicas: 1, s_short);
        await UntilAsync(() => gateway.Services.GetRequiredService<ReplicaDirectory>().Replicas.Count == 2, "both to be known");

        await AssertServesAsync(gateway);
        await Eventually.Async(
            async () => (await gateway.Admin.GetStringAsync("/health", Cancellation)).Contains("all announce the address", StringComparison.Ordinal),
            TimeSpan.FromSeconds(20), "/health to name the address");
    }

    [Fact]
    public async Task One_that_announces_the_gateway_gets_nothing()
    {
        var gateway = await GatewayOnRedisAsync(redis, _prefix, replicas: 0, s_short);
        await ReplicaAsync(("Replica:AdvertisedAddress", gateway.Address.AbsoluteUri));
        await ReplicaAsync();
        await UntilAsync(() => gateway.Services.GetRequiredService<ReplicaDirectory>().Replicas.Count == 2, "both to be known");
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the one that is there");

        await AssertServesAsync(gateway);
    }

    private static async Task AssertServesAsync(GatewayHost gateway)
    {
        for (var i = 0; i < 20; i++)
        {
            using var content = new StringContent("1");
            using var answer = await gateway.Client.PostAsync("/topics/shared/events", content, Cancellation);
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        }
    }

    private async Task<EventsHost> ReplicaAsync(params (string Key, string Value)[] settings)
    {
        await redis.RequireAsync();
        return Own(await EventsHost.StartAsync(redis, _prefix, [.. s_short.Where(setting => setting.Key.StartsWith("ReplicaRegistry:", StringComparison.Ordinal)), .. settings]));
    }
}
