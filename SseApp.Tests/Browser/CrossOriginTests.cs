using SseApp.Tests.Gateway;

namespace SseApp.Tests.Browser;

/// <summary>A native EventSource on a page of another origin, real replicas behind the real gateway: what is published is what it gets.</summary>
public sealed class CrossOriginTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private const int Closed = 2;
    private const int Retry = 700;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private static readonly string[] s_data =
    [
        "plain",
        "three\nlines\nof text",
        "carriage\rreturn",
        "both\r\nof them",
        "mixed\r\n\n\r\rends\n",
        "\n",
        "",
        " one leading space",
        "  two leading spaces",
        "\ttab",
        "\uFEFFa mark in front",
        "a mark \uFEFF inside",
        "astral 😀 𝒳 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        ": a comment?",
        "data: a field?",
        "id: 1\nevent: x\nretry: 1",
        "a NUL \0 inside",
        // 65 529 bytes of UTF-8, the most that one event has by default.
        string.Concat(Enumerable.Repeat("😀€ä0", 6_552)) + "123456789",
        "last",
    ];

    [Fact]
    public async Task Data_ids_and_the_retry_time_survive_the_way_and_a_reconnection()
    {
        var prefix = Guid.NewGuid().ToString("N");
        (string, string)[] settings = [("Streaming:RetryMin", $"00:00:00.{Retry}"), ("Streaming:RetryMax", $"00:00:00.{Retry}")];
        var first = Own(await EventsHost.StartAsync(redis, prefix, settings));
        var page = new EventSourcePage();
        await using var pages = await PageServer.StartAsync(page.Map);
        var gateway = await StartGatewayAsync(prefix, pages.Origin);
        page.Source = new Uri(gateway.Address, "/events?topic=browser").AbsoluteUri;
        await using var browser = Chromium.Open(new Uri(pages.Address, EventSourcePage.Path));
        await SeenAsync(page, "stream.open", 1);

        var ids = new List<string>();
        var half = s_data.Length / 2;
        await PublishAsync(gateway, s_data[..half], ids);
        await SeenAsync(page, "message", half);
        Own(await EventsHost.StartAsync(redis, prefix, settings));
        await UntilAsync(() => gateway.AvailableReplicas() == 2, "the second replica");
        await first.StopAsync();
        await PublishAsync(gateway, s_data[half..], ids);
        await SeenAsync(page, "message", s_data.Length);

        var reports = page.Reports;
        var messages = reports.Where(report => report.Kind == "message").ToArray();
        Assert.Equal(s_data.Select(data => data.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n')), messages.Select(message => message.Data));
        Assert.Equal(ids, messages.Select(message => message.Id));
        Assert.DoesNotContain(reports, report => report.State == Closed || report.Kind == "stream.gap");

        // The page's own timer is exact enough for a lower bound.
        var again = reports.Last(report => report.Kind == "stream.open");
        var left = reports.Last(report => report.Kind == "error" && report.Order < again.Order);
        Assert.True(JsonSerializer.Deserialize<JsonElement>(again.Data!).GetProperty("resumed").GetBoolean(), "The stream was not resumed.");
        Assert.True(again.At - left.At > Retry - 100, $"It reconnected after {again.At - left.At:0} ms, not {Retry}.");
    }

    private static async Task PublishAsync(GatewayHost gateway, IEnumerable<string> events, List<string> ids)
    {
        foreach (var data in events)
        {
            using var answer = await gateway.Client.PostAsync("/topics/browser/events", new StringContent(data), Cancellation);
            var stored = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(Cancellation);
            ids.Add(stored.GetProperty("id").GetString()!);
        }
    }

    private static Task SeenAsync(EventSourcePage page, string kind, int count) => Eventually.Async(
        () => page.Reports.Count(report => report.Kind == kind) >= count, s_limit, $"{count} reports of {kind}");

    private async Task<GatewayHost> StartGatewayAsync(string prefix, string origin) => Own(await GatewayHost.StartAsync(null, new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
    {
        ["ConnectionStrings:redis"] = redis.ConnectionString,
        ["Cluster:KeyPrefix"] = prefix,
        ["Cors:Origins:0"] = origin,
    }));
}
