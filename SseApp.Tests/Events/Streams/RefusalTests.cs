using SseApp.Events.Replicas;

namespace SseApp.Tests.Events.Streams;

public sealed class RefusalTests(RedisServer redis) : IClassFixture<RedisServer>
{
    [Fact]
    public async Task Over_the_connection_limit()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Streaming:MaxConnections", "1"));
        await using var only = await host.SubscribeAsync("a");

        await AssertRefusedAsync(host, "connection-limit");
    }

    [Fact]
    public async Task While_draining()
    {
        await using var host = await EventsHost.StartAsync(redis);
        host.Get<DrainState>().Begin();

        await AssertRefusedAsync(host, "draining");
        using var health = await host.Client.GetAsync("/health", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
    }

    [Fact]
    public async Task Without_redis()
    {
        await using var host = await EventsHost.StartAsync("127.0.0.1:1,connectTimeout=100");

        await AssertRefusedAsync(host, "redis");
        using var publish = await host.PublishAsync("a", "x");
        await AssertUnavailableAsync(publish);
        using var topic = await host.Client.GetAsync("/topics/a", TestContext.Current.CancellationToken);
        await AssertUnavailableAsync(topic);
        using var alive = await host.Client.GetAsync("/alive", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
    }

    private static async Task AssertRefusedAsync(EventsHost host, string reason)
    {
        // An EventSource reconnects after a clean end, and never after another status.
        await using (var eventSource = await host.ResumeAsync("kept", "a"))
        {
            Assert.Equal(HttpStatusCode.OK, eventSource.Response.StatusCode);
            var refusal = await eventSource.NextAsync();
            Assert.Equal("stream.unavailable", refusal?.Type);
            var data = JsonSerializer.Deserialize<JsonElement>(refusal!.Data);
            Assert.Equal(reason, data.GetProperty("reason").GetString());
            Assert.Equal(eventSource.Retry, data.GetProperty("retryAfterMs").GetInt32());
            Assert.Equal("kept", eventSource.LastEventId);
            Assert.Null(await eventSource.NextAsync());
        }

        using var other = await host.Client.GetAsync("/events?topic=a", TestContext.Current.CancellationToken);
        await AssertUnavailableAsync(other);
    }

    private static async Task AssertUnavailableAsync(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter?.Delta);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.NotEmpty(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
