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

    [Fact]
    public async Task Over_the_rate_of_new_topics()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Topics:NewHubsPerSecond", "1"));
        using var refusals = host.Collect("sse_refusals_total");
        // A stream is not refused for the number of its topics; others wait for a minute because of them.
        await using var first = await host.SubscribeAsync([.. Enumerable.Range(0, 64).Select(i => $"t{i}")]);

        await AssertRefusedAsync(host, "topics", HttpStatusCode.TooManyRequests);

        Assert.Equal(2, refusals.GetMeasurementSnapshot().Where(measured => Equals(measured.Tags["reason"], "topics")).Sum(measured => measured.Value));
        await using var known = await host.SubscribeAsync("t1", "t2");
        using var published = await host.PublishAsync("t1", "x");
        Assert.Equal("x", (await known.NextAsync())?.Data);
    }

    [Fact]
    public async Task A_storm_of_clients_with_topics_of_their_own_gets_through_the_rate_of_new_topics()
    {
        await using var host = await EventsHost.StartAsync(
            redis, null, ("Topics:NewHubsPerSecond", "40"), ("Streaming:RetryMin", "00:00:00.050"), ("Streaming:RetryMax", "00:00:00.200"));
        using var refusals = host.Collect("sse_refusals_total");

        var opened = await Task.WhenAll(Enumerable.Range(0, 120).Select(async i =>
        {
            while (true)
            {
                var stream = await host.OpenAsync($"own-{i}");
                if (await stream.NextAsync() is { Type: "stream.open" })
                {
                    return stream;
                }

                var retry = TimeSpan.FromMilliseconds(stream.Retry ?? 1_000);
                await stream.DisposeAsync();
                await Task.Delay(retry, TimeProvider.System, TestContext.Current.CancellationToken);
            }
        }));

        Assert.Equal(120, opened.Length);
        Assert.True(refusals.GetMeasurementSnapshot().Sum(measured => measured.Value) > 0);
        foreach (var stream in opened)
        {
            await stream.DisposeAsync();
        }
    }

    private static async Task AssertRefusedAsync(EventsHost host, string reason, HttpStatusCode status = HttpStatusCode.ServiceUnavailable)
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
        await AssertUnavailableAsync(other, status);
    }

    private static async Task AssertUnavailableAsync(HttpResponseMessage response, HttpStatusCode status = HttpStatusCode.ServiceUnavailable)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter?.Delta);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.NotEmpty(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
