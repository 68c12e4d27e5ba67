using SseApp.Tests.Gateway;

namespace SseApp.Tests.Browser;

/// <summary>What a native EventSource makes of an operator's disconnect.</summary>
public sealed class RefusedPageTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private const int Closed = 2;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task It_reconnects_after_a_disconnect_and_not_after_a_permanent_one()
    {
        await redis.RequireAsync();
        var prefix = Guid.NewGuid().ToString("N");
        Own(await EventsHost.StartAsync(redis, prefix, ("Streaming:RetryMin", "00:00:00.100"), ("Streaming:RetryMax", "00:00:00.200")));
        var page = new EventSourcePage();
        var gateway = Own(await GatewayHost.StartAsync(
            null,
            new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
            {
                ["ConnectionStrings:redis"] = redis.ConnectionString,
                ["Cluster:KeyPrefix"] = prefix,
            },
            use: page.Map));
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be routed to");
        await using var browser = Chromium.Open(new Uri(gateway.Address, EventSourcePage.Path));

        await DisconnectAsync(gateway, await OpenedAsync(page, 1), "");
        await DisconnectAsync(gateway, await OpenedAsync(page, 2), "?permanent=true");

        await Eventually.Async(() => page.Reports.Any(report => report.State == Closed), s_limit, "the EventSource to give up");
        Assert.Equal(2, page.Reports.Count(report => report.Kind == "stream.open"));
    }

    private static async Task<string> OpenedAsync(EventSourcePage page, int times)
    {
        PageReport[] opened = [];
        await Eventually.Async(
            () => (opened = [.. page.Reports.Where(report => report.Kind == "stream.open")]).Length == times, s_limit, $"stream.open number {times}");
        return JsonSerializer.Deserialize<JsonElement>(opened[^1].Data!).GetProperty("connection").GetString()!;
    }

    private static async Task DisconnectAsync(GatewayHost gateway, string connection, string query)
    {
        using var answer = await gateway.Admin.PostAsync($"/admin/connections/{connection}/disconnect{query}", null, Cancellation);
        answer.EnsureSuccessStatusCode();
    }
}
