using StackExchange.Redis;

namespace SseApp.Tests.Events.Topics;

public sealed class FailoverTests(RedisSentinelServer redis) : IClassFixture<RedisSentinelServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Events_that_a_failover_lost_are_not_taken_for_those_that_got_their_offsets()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var reader = await host.SubscribeAsync("failover");
        var stored = new List<string>();
        for (var i = 0; i < 100; i++)
        {
            await TryPublishAsync(host, $"{i}", stored);
        }

        await using var promoted = await ConnectionMultiplexer.ConnectAsync(redis.ReplicaConnectionString);
        using var other = new RedisTopicLog(
            promoted, Options.Create(new ClusterOptions { KeyPrefix = host.Prefix }), Options.Create(new TopicLogOptions()), TimeProvider.System, NullLogger<RedisTopicLog>.Instance);
        await Eventually.Async(
            async () => (long)await promoted.GetDatabase().HashGetAsync($"{host.Prefix}:{{failover}}:counter", "offset") == 100, s_limit, "the replica to have all events");
        redis.HoldBack();
        for (var i = 0; i < 10; i++)
        {
            await TryPublishAsync(host, $"lost {i}", stored);
        }

        Assert.Equal(110, stored.Count);
        Assert.Equal(stored, await reader.DataAsync(110).WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken));

        // Somebody who knows nothing of the lost ones publishes as many and a few more to the new master, before the host
        // has found it: a moment before the old one dies, so that the host cannot be first.
        await promoted.GetServers()[0].ExecuteAsync("REPLICAOF", "NO", "ONE");
        await promoted.ConfigureAsync();
        var others = await Task.WhenAll(Enumerable.Range(0, 15).Select(i => other.AppendAsync("failover", Encoding.UTF8.GetBytes($"data: other {i}\n\n"), null)));
        Assert.Equal(115, others[^1].Position.Offset);
        await redis.FailOverAsync();

        var gap = await reader.NextAsync(s_limit);
        Assert.Equal(("stream.gap", """{"topic":"failover","reason":"epoch","from":111,"to":null}"""), (gap?.Type, gap?.Data));
        await Eventually.Async(() => TryPublishAsync(host, "end", stored), s_limit, "publishing to work with the new master");
        Assert.Equal("end", (await reader.NextAsync(s_limit))?.Data);
    }

    private static async Task<bool> TryPublishAsync(EventsHost host, string data, List<string> stored)
    {
        using var answer = await host.PublishAsync("failover", data);
        if (answer.StatusCode == HttpStatusCode.Created)
        {
            stored.Add(data);
            return true;
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        return false;
    }
}
