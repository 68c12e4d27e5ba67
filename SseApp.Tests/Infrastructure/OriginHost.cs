using System.Threading.Channels;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace SseApp.Tests.Infrastructure;

/// <summary>
/// A real Kestrel that plays a replica: streams send exactly what the test tells them to, every other path answers
/// with the replica's id, and all requests are kept.
/// </summary>
internal sealed class OriginHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<Channel<string>, bool> _streams = new();
    private int _healthChecks;
    private int _failedChecks;

    private OriginHost(string id, WebApplication app, RequestDelegate? handler)
    {
        Id = id;
        _app = app;
        app.MapGet("/health", () =>
        {
            Interlocked.Increment(ref _healthChecks);
            if (Healthy)
            {
                return Results.Ok();
            }

            Interlocked.Increment(ref _failedChecks);
            return Results.StatusCode(503);
        });
        app.MapGet("/events", StreamAsync);
        app.MapFallback("{*path}", handler ?? AnswerAsync);
    }

    public string Id { get; }

    public bool Healthy { get; set; } = true;

    public Uri Address { get; private set; } = null!;

    public ConcurrentQueue<RecordedRequest> Requests { get; } = new();

    public int HealthChecks => Volatile.Read(ref _healthChecks);

    /// <summary>Those that it was not healthy at.</summary>
    public int FailedChecks => Volatile.Read(ref _failedChecks);

    public int OpenStreams => _streams.Count;

    public ReplicaRecord Record => new() { Id = Id, Address = Address, State = ReplicaState.Ready, Connections = OpenStreams };

    public static async Task<OriginHost> StartAsync(string id, RequestDelegate? handler = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var origin = new OriginHost(id, app, handler);
        await app.StartAsync(TestContext.Current.CancellationToken);
        origin.Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return origin;
    }

    /// <summary>Sends bytes on all open streams.</summary>
    public void Send(string text)
    {
        foreach (var stream in _streams.Keys)
        {
            stream.Writer.TryWrite(text);
        }
    }

    /// <summary>Ends all streams cleanly.</summary>
    public void EndStreams()
    {
        foreach (var stream in _streams.Keys)
        {
            stream.Writer.TryComplete();
        }
    }

    /// <summary>Stops listening at once and breaks what is open.</summary>
    public async Task KillAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
    }

    public async ValueTask DisposeAsync()
    {
        EndStreams();
        await _app.DisposeAsync();
    }

    private void Keep(HttpContext context) => Requests.Enqueue(new RecordedRequest(
        context.Request.Method,
        context.Request.Path,
        context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase)));

    private async Task StreamAsync(HttpContext context)
    {
        Keep(context);
        var response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache, no-store, must-revalidate, no-transform";
        response.Headers["X-Accel-Buffering"] = "no";
        response.Headers.ContentEncoding = "identity";
        var channel = Channel.CreateUnbounded<string>();
        _streams[channel] = true;
        try
        {
            await response.WriteAsync($"event: stream.open\ndata: {{\"replica\":\"{Id}\"}}\n\n", context.RequestAborted);
            await response.Body.FlushAsync(context.RequestAborted);
            await foreach (var text in channel.Reader.ReadAllAsync(context.RequestAborted))
            {
                await response.WriteAsync(text, context.RequestAborted);
                await response.Body.FlushAsync(context.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            // The client left.
        }
        finally
        {
            _streams.TryRemove(channel, out _);
        }
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Keep(context);
        await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
        await context.Response.WriteAsync(Id, context.RequestAborted);
    }
}

internal sealed record RecordedRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers);
