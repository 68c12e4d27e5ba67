using System.Diagnostics;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.AccessLog;

/// <summary>Puts into the access log what the server refuses before it is a request for anybody: bytes that are no HTTP, a head that is too large.</summary>
internal sealed class ServerRefusalLog(DiagnosticListener diagnostics, AccessLogWriter log, IOptions<AccessLogOptions> options, TimeProvider time)
    : BadRequestObserver(diagnostics), IHostedService
{
    private readonly PathPatterns _excluded = new(options.Value.Exclude);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        Subscribe();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override void OnRefused(IFeatureCollection features, BadHttpRequestException error)
    {
        var context = new DefaultHttpContext(features);
        // What has been a request has its line already.
        if (features.Get<ResponseTraffic>() is null && !_excluded.Match(context.Request.Path))
        {
            log.Write(AccessLogEntry.Of(context, context.Request.Path.Value ?? "", new ResponseTraffic(), time.GetUtcNow(), TimeSpan.Zero, error.StatusCode, options.Value));
        }
    }
}
