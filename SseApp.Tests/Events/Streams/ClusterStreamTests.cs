namespace SseApp.Tests.Events.Streams;

public sealed class ClusterStreamTests(RedisClusterServer redis) : IClassFixture<RedisClusterServer>
{
    [Fact]
    public async Task Topics_on_all_nodes_are_streamed_and_resumed()
    {
        await using var first = await EventsHost.StartAsync(redis);
        await using var second = await EventsHost.StartAsync(redis, first.Prefix);
        string[] topics = [.. Enumerable.Range(0, 12).Select(i => $"t{i:00}")];
        string id;
        await using (var reader = await first.SubscribeAsync(topics))
        {
            await PublishAllAsync(second, "live");
            Assert.Equal(topics.Select(topic => $"live {topic}").Order(StringComparer.Ordinal), (await reader.DataAsync(topics.Length)).Order(StringComparer.Ordinal));
            id = reader.LastEventId;
        }

        await PublishAllAsync(first, "missed");

        await using var resumed = await second.ResumeAsync(id, topics);
        Assert.True((await resumed.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal(topics.Select(topic => $"missed {topic}"), await resumed.DataAsync(topics.Length));

        async Task PublishAllAsync(EventsHost host, string data)
        {
            foreach (var topic in topics)
            {
                using var answer = await host.PublishAsync(topic, $"{data} {topic}");
                Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
            }
        }
    }
}
