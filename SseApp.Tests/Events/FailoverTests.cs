using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Events;

public sealed class FailoverTests(RedisSentinelServer redis) : IClassFixture<RedisSentinelServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Events_that_a_failover_lost_are_not_taken_for_those_that_got_their_offsets()
    {
        // The replica that serves the stream published what is lost; another one, which knows nothing of it, goes on.
        await using var host = await EventsHost.StartAsync(redis, null, ("Topics:CheckInterval", "00:00:00.500"));
        await using var other = await EventsHost.StartAsync(redis, host.Prefix);
        await using var reader = await host.SubscribeAsync("failover");
        var stored = new List<string>();
        for (var i = 0; i < 100; i++)
        {
            await TryPublishAsync(host, $"{i}", stored);
        }

        await using var connection = await redis.ConnectAsync();
        await connection.GetDatabase().ExecuteAsync("WAIT", "1", "10000");
        redis.HoldBack();
        for (var i = 0; i < 10; i++)
        {
            await TryPublishAsync(host, $"lost {i}", stored);
        }

        Assert.Equal(stored, await reader.DataAsync(stored.Count).WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken));
        await redis.FailOverAsync();

        // As many as were lost, and a few more.
        var after = new List<string>();
        await Eventually.Async(() => TryPublishAsync(other, "other 0", after), s_limit, "publishing to work with the new master");
        for (var i = 1; i < 15; i++)
        {
            Assert.True(await TryPublishAsync(other, $"other {i}", after));
        }

        var gap = await reader.NextAsync(s_limit);
        Assert.Equal(("stream.gap", """{"topic":"failover","reason":"epoch","from":111,"to":null}"""), (gap?.Type, gap?.Data));
        // Those of the log that was found out are gone; of the new one nothing is missing.
        using var history = await host.Client.GetAsync("/topics/failover/events?limit=1000", TestContext.Current.CancellationToken);
        var log = await history.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        string[] kept = [.. log.GetProperty("events").EnumerateArray().Select(item => item.GetProperty("data").GetString()!)];
        Assert.True(await TryPublishAsync(other, "end", after));
        Assert.Equal([.. kept, "end"], await reader.DataAsync(kept.Length + 1).WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken));
        Assert.Equal(after.TakeLast(kept.Length + 1), [.. kept, "end"]);
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
