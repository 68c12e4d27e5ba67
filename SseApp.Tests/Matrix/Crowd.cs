namespace SseApp.Tests.Matrix;

/// <summary>Many EventSources that nobody here wrote: of npm's <c>eventsource</c> in Node.js, and of Chromium.</summary>
internal sealed class Crowd : IAsyncDisposable
{
    private const int ChromiumConnectionsPerHost = 5;

    private readonly List<IAsyncDisposable> _owned = [];
    private CrowdState _state = CrowdState.None;

    public CrowdState State => Volatile.Read(ref _state);

    public static async Task<Crowd> OpenInNodeAsync(int count, Uri stream)
    {
        var package = await NodePackage.RequireAsync("eventsource", "4");
        var crowd = new Crowd();
        crowd._owned.Add(ChildProcess.Start(
            new ProcessStartInfo("node", [Script("node.mjs"), package, count.ToString(CultureInfo.InvariantCulture), stream.AbsoluteUri]),
            line => crowd.Take(JsonSerializer.Deserialize<CrowdState>(line, JsonSerializerOptions.Web)!)));
        return crowd;
    }

    /// <summary>A browser has at most six connections to a host, so the gateway needs several addresses: 127.0.0.1, 127.0.0.2, ….</summary>
    public static async Task<Crowd> OpenInChromiumAsync(int count, Uri stream)
    {
        var crowd = new Crowd();
        var urls = Enumerable.Range(0, count).Select(i =>
            new UriBuilder(stream) { Host = string.Create(CultureInfo.InvariantCulture, $"127.0.0.{1 + (i / ChromiumConnectionsPerHost)}") }.Uri.AbsoluteUri);
        var page = $$"""
            <!doctype html><meta charset="utf-8"><title>Crowd</title><script type="module">
            import { openClients } from "/clients.mjs";
            openClients(EventSource, {{JsonSerializer.Serialize(urls)}}, state => fetch("/report", { method: "POST", body: JSON.stringify(state) }));
            </script>
            """;
        var server = await PageServer.StartAsync(app =>
        {
            app.MapGet("/", () => Results.Content(page, "text/html; charset=utf-8"));
            app.MapGet("/clients.mjs", () => Results.File(Script("clients.mjs"), "text/javascript"));
            app.MapPost("/report", async (HttpRequest request) =>
                crowd.Take((await JsonSerializer.DeserializeAsync<CrowdState>(request.Body, JsonSerializerOptions.Web))!));
        });
        crowd._owned.Add(server);
        crowd._owned.Insert(0, Chromium.Open(server.Address));
        return crowd;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var owned in _owned)
        {
            await owned.DisposeAsync();
        }
    }

    private static string Script(string name) => Path.Combine(AppContext.BaseDirectory, "Matrix", name);

    private void Take(CrowdState state) => Volatile.Write(ref _state, state);
}

/// <param name="Count">Clients of this crowd.</param>
/// <param name="Open">Those whose stream is open now.</param>
/// <param name="Closed">Those that will never reconnect.</param>
/// <param name="Received">Events that even the slowest has received.</param>
/// <param name="Opened">Streams opened so far, by all together.</param>
/// <param name="Faults">What some lost, got twice or out of order, or got as a gap.</param>
internal sealed record CrowdState(int Count, int Open, int Closed, int Received, int Opened, string[] Faults)
{
    public static CrowdState None { get; } = new(0, 0, 0, 0, 0, []);
}
