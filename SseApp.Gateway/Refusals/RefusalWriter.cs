using SseApp.Gateway.Requests;
using SseApp.Gateway.Telemetry;

namespace SseApp.Gateway.Refusals;

/// <summary>
/// Answers a request that cannot be served now: an EventSource gets a short stream that says when to reconnect, every other
/// client the true status (RFC 9457).
/// </summary>
internal sealed class RefusalWriter(IOptions<RefusalOptions> options, RetrySpread spread, GatewayMetrics metrics, RefusalTotal total)
{
    /// <param name="context">The request, whose response has not begun.</param>
    /// <param name="refusal">Why it is refused.</param>
    /// <param name="notBefore">Time until another attempt can succeed; the random time of <see cref="RefusalOptions"/> is added.</param>
    public Task WriteAsync(HttpContext context, Refusal refusal, TimeSpan notBefore = default)
    {
        var request = ClientRequest.Of(context);
        request.IsRefused = refusal.Status == StatusCodes.Status429TooManyRequests;
        if (!request.IsCanary)
        {
            total.Add();
            metrics.Refusals.Add(1, new KeyValuePair<string, object?>("reason", refusal.Reason));
        }

        context.Response.Clear();
        var before = (int)Math.Ceiling(notBefore.TotalMilliseconds);
        // Who has to wait anyway, also because a replica has seen the storm, does not wait twice.
        var longer = request.IsStream ? Math.Max(0, spread.Milliseconds - before) : 0;
        var retryMs = before + spread.Next((int)options.Value.MinRetry.TotalMilliseconds, (int)options.Value.MaxRetry.TotalMilliseconds, longer);
        // A 200 must not be mistaken for a publish that was stored, whatever its publisher accepts.
        return request is { AcceptsEventStream: true, IsPublish: false }
            ? EventStreams.WriteUnavailableAsync(context, refusal.Reason, retryMs)
            : WriteProblemAsync(context, refusal, retryMs);
    }

    private static Task WriteProblemAsync(HttpContext context, Refusal refusal, int retryMs)
    {
        EventStreams.SetRetryAfter(context.Response, retryMs);
        context.Response.Headers.CacheControl = "no-store";
        var retry = KeyValuePair.Create<string, object?>("retryAfterMs", retryMs);
        return ClientRequest.Of(context).IsPublish
            ? Problems.WriteAsync(context, refusal.Status, refusal.Detail, refusal.Reason, retry, new(PublishOutcome.Member, Outcome(context)))
            : Problems.WriteAsync(context, refusal.Status, refusal.Detail, refusal.Reason, retry);
    }

    private static string Outcome(HttpContext context) =>
        context.Features.Get<IForwardAttempts>() is { MayHaveArrived: true } ? PublishOutcome.Unknown : PublishOutcome.NotStored;
}
