namespace SseApp.Tests.Infrastructure;

/// <summary>A collector that takes OTLP over HTTP, as the dashboard does, and keeps the bytes.</summary>
internal sealed class TelemetrySink : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<(string Signal, string Bytes)> _taken = new();

    private TelemetrySink(WebApplication app) => _app = app;

    /// <summary>What it got of a signal (<c>logs</c>, <c>traces</c>, <c>metrics</c>), a character for each byte. Texts stand in it as they are.</summary>
    public string Taken(string signal) => string.Concat(_taken.Where(taken => taken.Signal == signal).Select(taken => taken.Bytes));

    /// <summary>Configuration of a service that exports to it soon.</summary>
    public (string Name, string Value)[] Environment =>
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", _app.Urls.Single()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
        ("OTEL_BSP_SCHEDULE_DELAY", "200"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
        // At the level of Trace there is more than fits into the queues of production.
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100000"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "100000"),
    ];

    public static async Task<TelemetrySink> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var sink = new TelemetrySink(builder.Build());
        sink._app.MapPost("/v1/{signal}", async (string signal, HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            sink._taken.Enqueue((signal, Encoding.Latin1.GetString(body.GetBuffer(), 0, (int)body.Length)));
            return Results.Bytes([], "application/x-protobuf");
        });
        await sink._app.StartAsync(TestContext.Current.CancellationToken);
        return sink;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
