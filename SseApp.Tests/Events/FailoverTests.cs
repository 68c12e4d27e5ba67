using System.Net;
using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Events;

public sealed class FailoverTests(RedisSentinelServer redis) : IClassFixture<RedisSentinelServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_failover_loses_nothing_without_telling()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var reader = await host.SubscribeAsync("failover");
        var stored = new List<string>();
        for (var i = 0; i < 200; i++)
        {
            await TryPublishAsync(host, $"{i}", stored);
        }

        await redis.FailOverAsync();
        await Eventually.Async(() => TryPublishAsync(host, "after", stored), s_limit, "publishing to work with the new master");
        for (var i = 200; i < 400; i++)
        {
            await TryPublishAsync(host, $"{i}", stored);
        }

        Assert.True(await TryPublishAsync(host, "end", stored));
        var received = new List<string>();
        var gap = false;
        while (received.LastOrDefault() != "end")
        {
            var next = await reader.NextAsync(s_limit);
            Assert.NotNull(next);
            if (next.Type == "stream.gap")
            {
                gap = true;
            }
            else
            {
                received.Add(next.Data);
            }
        }

        // A publish without an answer may be stored; it is no loss if it comes.
        Assert.Equal(received.Distinct(), received);
        Assert.True(gap || stored.TrueForAll(received.Contains), $"Stored, not received and not told: {string.Join(' ', stored.Except(received, StringComparer.Ordinal))}.");
        Assert.Equal(stored.Where(received.Contains), received.Where(stored.Contains));
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
