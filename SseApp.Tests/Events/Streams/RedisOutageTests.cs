namespace SseApp.Tests.Events.Streams;

/// <summary>Has a server of its own, because it kills it.</summary>
public sealed class RedisOutageTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task A_publish_that_redis_does_not_answer_is_503_of_unknown_outcome()
    {
        await redis.RequireAsync();
        await using var host = await EventsHost.StartAsync($"{redis.ConnectionString},asyncTimeout=300");
        using (var before = await host.PublishAsync("frozen", "before"))
        {
            Assert.Equal(HttpStatusCode.Created, before.StatusCode);
        }

        redis.Freeze();
        try
        {
            using var alone = await host.PublishAsync("frozen", "1");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, alone.StatusCode);
            Assert.Equal("unknown", (await alone.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("outcome").GetString());

            // Nothing is known to be stored, but it may be: each item says so itself.
            using var batch = await host.Client.PostAsync(
                "/publish", new StringContent("""[{"topic":"frozen","data":"2"}]"""), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, batch.StatusCode);
            var item = (await batch.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("results")[0];
            Assert.Equal((503, "unknown"), (item.GetProperty("status").GetInt32(), item.GetProperty("outcome").GetString()));
        }
        finally
        {
            redis.Thaw();
        }
    }

    [Fact]
    public async Task Streams_outlive_redis_and_nothing_is_acknowledged_that_is_not_stored()
    {
        await using var host = await EventsHost.StartAsync(
            redis, null, ("Streaming:HeartbeatInterval", "00:00:00.300"), ("RedisHealth:GracePeriod", "00:00:30"));
        await using var reader = await host.SubscribeAsync("outage");
        using (var before = await host.PublishAsync("outage", "before"))
        {
            Assert.Equal(HttpStatusCode.Created, before.StatusCode);
        }

        Assert.Equal("before", (await reader.NextAsync())?.Data);
        using (var ready = await host.Client.GetAsync("/health", TestContext.Current.CancellationToken))
        {
            Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        }

        await redis.KillAsync();

        using (var refused = await host.PublishAsync("outage", "lost"))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        Assert.Equal(":", (await reader.NextRawAsync())?.Type);
        // Within the grace period the replica stays ready and says what is wrong.
        Assert.Contains("degraded", await host.Client.GetStringAsync("/health", TestContext.Current.CancellationToken), StringComparison.Ordinal);

        await redis.RequireAsync();
        await Eventually.Async(
            async () =>
            {
                using var answer = await host.PublishAsync("probe", "x");
                return answer.StatusCode == HttpStatusCode.Created;
            },
            s_limit,
            "publishing to work again");
        await Eventually.Async(
            async () => (await host.Get<IReplicaRegistry>().ReadAsync(TestContext.Current.CancellationToken)).Count == 1, s_limit, "the replica to register again");

        // The server restarted empty, and that is reported without waiting for the next event.
        var gap = await reader.NextAsync(s_limit);
        Assert.Equal("stream.gap", gap?.Type);
        Assert.Equal("""{"topic":"outage","reason":"epoch","from":2,"to":null}""", gap?.Data);
        using (var after = await host.PublishAsync("outage", "after"))
        {
            Assert.Equal(HttpStatusCode.Created, after.StatusCode);
        }

        Assert.Equal("after", (await reader.NextAsync())?.Data);
    }
}
