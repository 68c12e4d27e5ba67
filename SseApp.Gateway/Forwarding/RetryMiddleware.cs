using SseApp.Gateway.Health;
using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Telemetry;

namespace SseApp.Gateway.Forwarding;

/// <summary>
/// Sends the request to another destination when one fails, or refuses a stream, before the first byte of an answer. A
/// publish that may have arrived is repeated only if it carries an idempotency key.
/// </summary>
internal sealed partial class RetryMiddleware(
    RequestDelegate next, IOptions<UpstreamOptions> options, ReplayBudget budget, GatewayMetrics metrics, ILogger<RetryMiddleware> logger)
{
    private const string IdempotencyKey = "Idempotency-Key";

    public Task InvokeAsync(HttpContext context)
    {
        var attempts = new RequestAttempts(options.Value.MaxAttempts);
        if (ClientRequest.IsBodiless(context.Request)
            && RequestBodies.MayCome(context)
            && context.GetReverseProxyFeature().Cluster.Config.ClusterId == ReplicaDirectory.ClusterId)
        {
            RequestBodies.Ignore(context);
        }

        context.Features.Set(attempts);
        context.Features.Set<IForwardAttempts>(attempts);
        return MustKeepBody(context) ? TryKeepingAsync(context) : TryAsync(context, body: null);
    }

    private async Task TryKeepingAsync(HttpContext context)
    {
        var body = new ReplayableBody(context.Request.Body, options.Value.MaxReplayBytes, budget);
        context.Request.Body = body;
        try
        {
            await TryAsync(context, body);
        }
        finally
        {
            body.Forget();
        }
    }

    private async Task TryAsync(HttpContext context, ReplayableBody? body)
    {
        var proxy = context.GetReverseProxyFeature();
        var attempts = context.Features.GetRequiredFeature<RequestAttempts>();
        while (true)
        {
            var arrivedBefore = attempts.MayHaveArrived;
            // Until the opposite is proven, also when this is left by an exception.
            attempts.MayHaveArrived = true;
            await next(context);
            attempts.MayHaveArrived = arrivedBefore || !IsKnownNotToHaveArrived(context);

            if (context.Features.Get<IForwarderErrorFeature>() is not { } failure
                || context.Response.HasStarted
                || context.RequestAborted.IsCancellationRequested
                || proxy.ProxiedDestination is not { } failed
                || !MayTryAnother(context, failure, body))
            {
                return;
            }

            attempts.Failed(failed);
            var remaining = attempts.Remaining(context);
            if (remaining.Count == 0)
            {
                return;
            }

            if (failure is UpstreamRefusal refusal)
            {
                LogRefused(context.Request.Path, failed.DestinationId, refusal.Reason);
            }
            else
            {
                LogRetry(context.Request.Method, context.Request.Path, failed.DestinationId, failure.Error, failure.Exception?.Message);
            }

            metrics.Retries.Add(ClientRequest.Of(context).IsCanary ? 0 : 1);
            context.Response.Clear();
            context.Features.Set<IForwarderErrorFeature>(null);
            proxy.AvailableDestinations = remaining;
            proxy.ProxiedDestination = null;
        }
    }

    private static bool IsKnownNotToHaveArrived(HttpContext context) =>
        context.Features.Get<IForwarderErrorFeature>() is { } failure
        && (failure.Error == ForwarderError.NoAvailableDestinations || ForwardFailure.NeverSent(failure) || IsUnread(context));

    // Of a publish that streams nothing is read before a replica has taken it.
    private static bool IsUnread(HttpContext context) => ClientRequest.Of(context).IsPublishStream && !context.Response.HasStarted;

    // What such a key means to another service is not known.
    private bool MustKeepBody(HttpContext context) =>
        ClientRequest.Of(context) is { IsPublish: true, IsPublishStream: false }
        && !string.IsNullOrEmpty(context.Request.Headers[IdempotencyKey])
        && !(context.Request.ContentLength > options.Value.MaxReplayBytes)
        && context.GetReverseProxyFeature().Cluster.Config.ClusterId == ReplicaDirectory.ClusterId;

    // The next one must not get what the last one has left of a body.
    private static bool MayTryAnother(HttpContext context, IForwarderErrorFeature failure, ReplayableBody? body) =>
        ForwardFailure.NeverSent(failure)
        || (failure is UpstreamRefusal refusal
            ? refusal.MayTryAnother && !RequestBodies.MayCome(context)
            : ForwardFailure.BrokeBeforeAnswer(failure)
                && ((ClientRequest.IsBodiless(context.Request) && !RequestBodies.MayCome(context)) || IsUnread(context) || body?.TryRewind() == true));

    [LoggerMessage(LogLevel.Debug, "{Method} {Path} failed at {Destination} ({Error}: {Reason}); the next attempt is at another replica.")]
    private partial void LogRetry(string method, PathString path, string destination, ForwarderError error, string? reason);

    [LoggerMessage(LogLevel.Debug, "The stream {Path} was refused by {Destination} ({Reason}); the next attempt is at another replica.")]
    private partial void LogRefused(PathString path, string destination, string reason);
}
