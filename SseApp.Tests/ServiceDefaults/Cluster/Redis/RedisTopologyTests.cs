namespace SseApp.Tests.ServiceDefaults.Cluster.Redis;

public sealed class RedisTopologyTests(RedisSentinelServer redis) : IClassFixture<RedisSentinelServer>
{
    [Fact]
    public async Task A_connection_string_that_does_not_suit_its_servers_is_named_at_the_start()
    {
        await redis.RequireAsync();
        foreach (var (text, named) in new[]
        {
            (redis.ConnectionString.Replace(",serviceName=events", "", StringComparison.Ordinal), "names a sentinel, which keeps no data; add ',serviceName=…'"),
            (redis.ConnectionString.Replace("=events", "=others", StringComparison.Ordinal), "knows no primary of that name; "),
            (redis.ReplicaConnectionString + ",serviceName=events", " is no sentinel; "),
        })
        {
            var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => EventsHost.StartAsync(text, null, ("Cluster:AllowRedisWithoutPassword", "true"), ("RedisMemory:AllowNoLimit", "true")));
            Assert.Contains(named, refused.Message, StringComparison.Ordinal);
        }
    }
}
