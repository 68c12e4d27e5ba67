using StackExchange.Redis;

namespace SseApp.Tests.ServiceDefaults.Cluster.Redis;

public sealed class SentinelTunnelTests(RedisSentinelServer redis) : IClassFixture<RedisSentinelServer>
{
    [Fact]
    public async Task The_word_of_a_sentinel_that_takes_a_replica_for_the_primary_is_not_believed()
    {
        await redis.RequireAsync();
        var replica = (IPEndPoint)ConfigurationOptions.Parse(redis.ReplicaConnectionString).EndPoints[0];
        var service = redis.Options.ServiceName!;
        // As one that was away while another server became the primary.
        await using var wrong = RedisNode.Sentinel(service, () => replica.Port, quorum: 2, ("down-after-milliseconds", 600_000));
        await wrong.RequireAsync();
        var options = redis.Options.Clone();
        options.EndPoints.Insert(0, new IPEndPoint(IPAddress.Loopback, wrong.Port));
        options.ServiceName = null;

        await using (var first = await ConnectionMultiplexer.SentinelConnectAsync($"127.0.0.1:{wrong.Port}"))
        {
            Assert.Equal(replica, await first.GetServers()[0].SentinelGetMasterAddressByNameAsync(service));
        }

        await using var tunnel = new SentinelTunnel(options, service);
        var (primary, problem) = await tunnel.FindAsync();

        Assert.Equal(((EndPoint?)new IPEndPoint(IPAddress.Loopback, redis.Port), null), (primary, problem));
    }
}
