using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Browser;

/// <summary>A page with one native EventSource that reports everything it sees to the server it came from.</summary>
internal sealed class EventSourcePage
{
    public const string Path = "/test/page";

    private const string Html = """
        <!doctype html><meta charset="utf-8"><title>EventSource</title><script>
        const source = new EventSource("{source}");
        let order = 0;
        const report = (kind, event) => fetch("/test/report", { method: "POST", body: JSON.stringify(
          { order: order++, at: performance.now(), kind, data: event.data ?? null, id: event.lastEventId ?? null, state: source.readyState }) });
        source.onmessage = event => report("message", event);
        source.onerror = event => report("error", event);
        for (const type of ["stream.open", "stream.unavailable", "stream.gap"]) {
          source.addEventListener(type, event => report(type, event));
        }
        </script>
        """;

    private readonly ConcurrentQueue<PageReport> _reports = new();

    /// <summary>Address of the stream; one on another server is of another origin.</summary>
    public string Source { get; set; } = "/events?topic=browser";

    /// <summary>What came so far, in the order in which the page saw it.</summary>
    public IReadOnlyList<PageReport> Reports => [.. _reports.OrderBy(report => report.Order)];

    public void Map(WebApplication app)
    {
        app.MapGet(Path, () => Results.Content(Html.Replace("{source}", Source, StringComparison.Ordinal), "text/html; charset=utf-8")).Needs(NeedKind.Nothing);
        app.MapPost("/test/report", async (HttpRequest request) =>
            _reports.Enqueue((await JsonSerializer.DeserializeAsync<PageReport>(request.Body, JsonSerializerOptions.Web))!)).Needs(NeedKind.Nothing);
    }
}

/// <param name="Order">Place among the page's reports, which may arrive out of order.</param>
/// <param name="At">Milliseconds on the page's clock.</param>
/// <param name="Kind">Type of the event, or <c>message</c> or <c>error</c>.</param>
/// <param name="Data">Data of the event.</param>
/// <param name="Id">The EventSource's last event id.</param>
/// <param name="State">readyState: 0 connecting, 1 open, 2 closed for ever.</param>
internal sealed record PageReport(int Order, double At, string Kind, string? Data, string? Id, int State);
