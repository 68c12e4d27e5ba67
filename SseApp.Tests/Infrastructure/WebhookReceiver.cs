namespace SseApp.Tests.Infrastructure;

/// <summary>An HTTP server that plays a chat's incoming webhook and keeps what it gets.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(40);

    private readonly WebApplication _app;
    private int _attempts;

    private WebhookReceiver(WebApplication app) => _app = app;

    /// <summary>With a path that is secret, as those of chats are.</summary>
    public string Url => $"{_app.Urls.Single()}/services/T000/{Secret}";

    public const string Secret = "s3cr3t-t0ken";

    /// <summary>Bodies that were taken.</summary>
    public ConcurrentQueue<JsonElement> Taken { get; } = new();

    public int Attempts => Volatile.Read(ref _attempts);

    /// <summary>Answers, by the number of the attempt from 1 on; null takes it.</summary>
    public Func<int, HttpContext, int?> Refuse { get; set; } = (_, _) => null;

    public static async Task<WebhookReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var receiver = new WebhookReceiver(builder.Build());
        receiver._app.MapFallback("{*path}", receiver.ReceiveAsync);
        await receiver._app.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    /// <summary>Notices in the generic format, as "state key".</summary>
    public string[] Notices() => [.. Taken.Select(body => $"{body.GetProperty("state").GetString()} {body.GetProperty("key").GetString()}")];

    public Task UntilAsync(string notice) =>
        Eventually.Async(() => Notices().Contains(notice), s_limit, $"the notice '{notice}'");

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task ReceiveAsync(HttpContext context)
    {
        var attempt = Interlocked.Increment(ref _attempts);
        if (Refuse(attempt, context) is { } status)
        {
            context.Response.StatusCode = status;
            return;
        }

        using var body = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted);
        Taken.Enqueue(body.RootElement.Clone());
    }
}
