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

    [Fact]
    public async Task One_master_that_stores_nothing_is_named_and_so_is_a_database_that_a_cluster_has_not()
    {
        await redis.RequireAsync();
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => EventsHost.StartAsync(redis.ConnectionString + ",defaultDatabase=1"));
        Assert.Contains("a Redis Cluster has only database 0", refused.Message, StringComparison.Ordinal);

        await using var host = await EventsHost.StartAsync(redis);
        await using var operators = await redis.ConnectAsync();
        var last = "";
        foreach (var server in operators.GetServers())
        {
            await server.ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "1");
            try
            {
                await UntilAsync("CONFIG SET min-replicas-to-write 0");
            }
            finally
            {
                await server.ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "0");
            }

            await UntilAsync("\"redis-rights\":{\"status\":\"healthy\"");
        }

        Task UntilAsync(string text) => Eventually.Async(
            async () => (last = await host.Admin.GetStringAsync("/health", TestContext.Current.CancellationToken)).Contains(text, StringComparison.Ordinal),
            TimeSpan.FromSeconds(30),
            $"'{text}' in {last}");
    }

    [LongFact]
    public async Task A_cluster_that_lacks_a_master_says_so_and_serves_what_it_can()
    {
        await using var own = new RedisClusterServer(withReplica: false);
        await using var host = await EventsHost.StartAsync(own);
        string[] topics = [.. Enumerable.Range(0, 12).Select(i => $"t{i:00}")];
        await using var reader = await host.SubscribeAsync(topics);
        await own.KillAsync();

        await UntilAsync("A part of the Redis Cluster does not answer");
        await own.RequireAsync();
        await UntilAsync("\"redis-rights\":{\"status\":\"healthy\"");
        foreach (var topic in topics)
        {
            await Eventually.Async(
                async () =>
                {
                    using var answer = await host.PublishAsync(topic, topic, idempotencyKey: topic);
                    return answer.IsSuccessStatusCode;
                },
                TimeSpan.FromSeconds(30),
                "publishing to work");
        }

        Assert.Equal(topics, (await reader.DataAsync(topics.Length)).Order(StringComparer.Ordinal));

        Task UntilAsync(string text) => Eventually.Async(
            async () =>
            {
                using var health = await host.Admin.GetAsync("/health", TestContext.Current.CancellationToken);
                return (await health.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Contains(text, StringComparison.Ordinal);
            },
            TimeSpan.FromSeconds(30),
            $"'{text}' in /health");
    }
}
