using System.Diagnostics;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.AccessLog;

/// <summary>Puts into the access log what the server refuses before it is a request for anybody: bytes that are no HTTP, a head that is too large.</summary>
internal sealed class ServerRefusalLog(DiagnosticListener diagnostics, AccessLogWriter log, IOptions<AccessLogOptions> options, TimeProvider time)
    : IHostedService, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    // https://learn.microsoft.com/aspnet/core/fundamentals/servers/kestrel/diagnostics
    private const string BadRequest = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    private readonly PathPatterns _excluded = new(options.Value.Exclude);
    private IDisposable? _subscription;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _subscription = diagnostics.Subscribe(this, static name => name == BadRequest);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void OnNext(KeyValuePair<string, object?> value)
    {
        // What has been a request has its line already.
        if (value.Value is not IFeatureCollection features || features.Get<ResponseTraffic>() is not null || features.Get<IBadRequestExceptionFeature>()?.Error is not BadHttpRequestException error)
        {
            return;
        }

        var context = new DefaultHttpContext(features);
        if (!_excluded.Match(context.Request.Path))
        {
            log.Write(AccessLogEntry.Of(context, context.Request.Path.Value ?? "", new ResponseTraffic(), time.GetUtcNow(), TimeSpan.Zero, error.StatusCode, options.Value));
        }
    }

    public void OnCompleted()
    {
        // The host ends.
    }

    public void OnError(Exception error)
    {
        // The platform's listener has none.
    }

    public void Dispose() => _subscription?.Dispose();
}
