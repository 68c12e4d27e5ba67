using Microsoft.Extensions.Options;
using SseApp.Gateway.Balancing;
using SseApp.Gateway.Routing;
using SseApp.Gateway.Telemetry;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace SseApp.Gateway.Forwarding;

/// <summary>Sends the request to another destination when one fails before the first byte of an answer.</summary>
internal sealed partial class RetryMiddleware(
    RequestDelegate next, IOptions<UpstreamOptions> options, GatewayMetrics metrics, ILogger<RetryMiddleware> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var proxy = context.GetReverseProxyFeature();
        List<DestinationState>? tried = null;
        for (var attempt = 1; ; attempt++)
        {
            await next(context);

            if (context.Features.Get<IForwarderErrorFeature>() is not { } failure
                || context.Response.HasStarted
                || context.RequestAborted.IsCancellationRequested
                || attempt >= options.Value.MaxAttempts
                || proxy.ProxiedDestination is not { } failed
                || !ForwardFailure.MayTryAnother(context.Request, failure))
            {
                return;
            }

            (tried ??= []).Add(failed);

            // As of now, not of when the request came: the replicas may have changed during the attempt.
            var remaining = PrimaryThenBackupPolicy.Remaining(context.GetRouteModel().Cluster!, tried);
            if (remaining.Count == 0)
            {
                return;
            }

            LogRetry(context.Request.Method, context.Request.Path, failed.DestinationId, failure.Error, failure.Exception?.Message);
            metrics.Retries.Add(1);
            context.Response.Clear();
            context.Features.Set<IForwarderErrorFeature>(null);
            proxy.AvailableDestinations = remaining;
            proxy.ProxiedDestination = null;
        }
    }

    [LoggerMessage(LogLevel.Information, "{Method} {Path} failed at {Destination} ({Error}: {Reason}); trying another.")]
    private partial void LogRetry(string method, PathString path, string destination, ForwarderError error, string? reason);
}
