using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace SseApp.Tests.Browser;

/// <summary>A page with one native EventSource that reports everything it sees, served beside the gateway's own routes.</summary>
internal sealed class EventSourcePage
{
    public const string Path = "/test/page";

    private const string Html = """
        <!doctype html><meta charset="utf-8"><title>EventSource</title><script>
        const source = new EventSource("/events?topic=browser");
        const report = (kind, event) => fetch("/test/report", { method: "POST", body: JSON.stringify(
          { kind, data: event.data ?? null, id: event.lastEventId ?? null, state: source.readyState }) });
        source.onmessage = event => report("message", event);
        source.onerror = event => report("error", event);
        for (const type of ["stream.open", "stream.unavailable"]) {
          source.addEventListener(type, event => report(type, event));
        }
        </script>
        """;

    private readonly ConcurrentQueue<PageReport> _reports = new();

    public IReadOnlyCollection<PageReport> Reports => _reports;

    public void Map(WebApplication app)
    {
        app.MapGet(Path, () => Results.Content(Html, "text/html; charset=utf-8"));
        app.MapPost("/test/report", async (HttpRequest request) =>
            _reports.Enqueue((await JsonSerializer.DeserializeAsync<PageReport>(request.Body, JsonSerializerOptions.Web))!));
    }
}
