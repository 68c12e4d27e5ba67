namespace SseApp.Tests.Gateway.Clients;

/// <summary>
/// nginx with default settings in front: it speaks HTTP/1.0 to the server behind it and buffers answers, unless they say
/// otherwise. Each event must be read before the next one is published.
/// </summary>
public sealed class NginxTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private const int Events = 50;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Each_event_comes_before_the_next_one_is_published(bool throughGateway)
    {
        var prefix = Guid.NewGuid().ToString("N");
        var replica = Own(await EventsHost.StartAsync(redis, prefix));
        var behind = replica.Address;
        if (throughGateway)
        {
            var gateway = Own(await GatewayHost.StartAsync(null, new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
            {
                ["ConnectionStrings:redis"] = redis.ConnectionString,
                ["Cluster:KeyPrefix"] = prefix,
            }));
            await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be routed to");
            behind = gateway.Address;
        }

        await using var nginx = await FrontServer.NginxAsync(behind);
        using var client = new HttpClient { BaseAddress = nginx.Address };
        await using var reader = await SseReader.OpenAsync(client, "/events?topic=news");
        await reader.OpenedAsync();
        for (var i = 0; i < Events; i++)
        {
            using var content = new StringContent($"{i}");
            using var answer = await client.PostAsync("/topics/news/events", content, Cancellation);
            answer.EnsureSuccessStatusCode();
            Assert.Equal($"{i}", (await reader.NextAsync())?.Data);
        }
    }
}
