namespace SseApp.Tests.Matrix;

/// <summary>One Chromium with one page, on which clients for web pages have a stream each.</summary>
internal sealed class MatrixBrowser : IAsyncDisposable
{
    /// <summary>The browser's own client.</summary>
    public const string Native = "Chromium";

    private readonly ConcurrentDictionary<string, ConcurrentQueue<SseEvent>> _seen = new(StringComparer.Ordinal);
    private readonly List<IAsyncDisposable> _owned = [];

    /// <summary>Those that npm has, each with the file that a page loads.</summary>
    private static readonly Dictionary<string, string> s_files = new(StringComparer.Ordinal)
    {
        ["event-source-polyfill"] = "src/eventsource.js",
        ["reconnecting-eventsource"] = "build/esm/reconnecting-eventsource.js",
        ["sse.js"] = "lib/sse.js",
    };

    private MatrixBrowser()
    {
    }

    public static bool Has(string client) => client == Native || s_files.ContainsKey(client);

    /// <summary>Opens the page with all clients on it; skips where there is no Chromium.</summary>
    /// <param name="streams">The stream of each client.</param>
    /// <param name="modules">The folder with the packages of npm.</param>
    public static async Task<MatrixBrowser> OpenAsync(IReadOnlyDictionary<string, Uri> streams, string modules)
    {
        var browser = new MatrixBrowser();
        var opened = streams.Select(stream => $"open({JsonSerializer.Serialize(stream.Key)}, {JsonSerializer.Serialize(stream.Value.AbsoluteUri)});");
        var page = $$"""
            <!doctype html><meta charset="utf-8"><title>Clients</title><script type="module">
            import { open } from "/browser.mjs";
            {{string.Join('\n', opened)}}
            </script>
            """;
        var server = await PageServer.StartAsync(app =>
        {
            app.MapGet("/", () => Results.Content(page, "text/html; charset=utf-8"));
            app.MapGet("/browser.mjs", () => Results.File(Path.Combine(AppContext.BaseDirectory, "Matrix", "browser.mjs"), "text/javascript"));
            foreach (var (name, file) in s_files)
            {
                app.MapGet($"/packages/{Path.GetFileNameWithoutExtension(name)}.js", () => Results.File(Path.Combine(modules, name, file), "text/javascript"));
            }

            app.MapPost("/report", async (HttpRequest request) =>
            {
                var report = (await JsonSerializer.DeserializeAsync<Report>(request.Body, JsonSerializerOptions.Web))!;
                browser.Of(report.Client).Enqueue(new SseEvent(report.Type, report.Data, report.LastEventId));
            });
        });
        browser._owned.Add(server);
        try
        {
            browser._owned.Insert(0, Chromium.Open(server.Address));
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    /// <summary>What a client has let its user see.</summary>
    public IReadOnlyList<SseEvent> Seen(string client) => [.. Of(client)];

    public async ValueTask DisposeAsync()
    {
        foreach (var owned in _owned)
        {
            await owned.DisposeAsync();
        }
    }

    private ConcurrentQueue<SseEvent> Of(string client) => _seen.GetOrAdd(client, _ => new());

    private sealed record Report(string Client, string Type, string Data, string LastEventId);
}
