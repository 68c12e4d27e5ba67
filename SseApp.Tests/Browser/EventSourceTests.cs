using SseApp.Tests.Gateway;

namespace SseApp.Tests.Browser;

/// <summary>A native EventSource in a real browser against the real gateway.</summary>
public sealed class EventSourceTests : GatewayTest
{
    private const int Closed = 2;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task It_survives_a_cluster_without_replicas_and_the_death_of_the_one_that_served_it()
    {
        var page = new EventSourcePage();
        var gateway = Own(await GatewayHost.StartAsync(Registry, use: page.Map));
        await using var browser = Chromium.Open(new Uri(gateway.Address, EventSourcePage.Path));

        await SeenAsync(page, report => report.Kind == "stream.unavailable", "the refusal of a cluster without replicas");

        var first = await OriginAsync("first");
        await SeenAsync(page, report => report.Kind == "stream.open" && report.Data!.Contains("first", StringComparison.Ordinal), "the stream from the first replica");
        first.Send("id: 7\ndata: Grüße, 世界 🎉\n\n");
        await SeenAsync(page, report => report is { Kind: "message", Data: "Grüße, 世界 🎉", Id: "7" }, "the event of the first replica");

        await first.KillAsync();
        await Registry.RemoveAsync("first", Cancellation);
        var second = await OriginAsync("second");
        await SeenAsync(page, report => report.Kind == "stream.open" && report.Data!.Contains("second", StringComparison.Ordinal), "the stream from the second replica");

        Assert.Contains(second.Requests, request => request.Headers.TryGetValue("Last-Event-ID", out var id) && id == "7");
        Assert.DoesNotContain(page.Reports, report => report.State == Closed);
    }

    private static Task SeenAsync(EventSourcePage page, Func<PageReport, bool> condition, string what) =>
        Eventually.Async(() => page.Reports.Any(condition), s_limit, what);
}
