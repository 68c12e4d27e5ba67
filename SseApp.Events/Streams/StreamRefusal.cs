using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Streams;

/// <summary>
/// Refuses a stream so that each kind of client reconnects: an EventSource gets a stream that ends, every other client 503, or 429
/// if what it asks for is the reason.
/// </summary>
internal sealed class StreamRefusal(IOptions<StreamingOptions> options, RetrySpread spread, EventsMetrics metrics)
{
    public Task WriteAsync(HttpContext context, string reason)
    {
        var longer = 0;
        if (!Caller.IsCanary(context))
        {
            metrics.Refused(reason);
            // Who is refused comes again as others do.
            longer = spread.Opened();
        }

        var retry = options.Value.NextRetryMilliseconds(spread, longer);
        context.Response.Headers[StreamHeaders.Refused] = reason;
        if (EventStreams.IsAccepted(context.Request))
        {
            return EventStreams.WriteUnavailableAsync(context, reason, retry);
        }

        EventStreams.SetRetryAfter(context.Response, retry);
        return TypedResults.Problem(
            RefusalReason.Explain(reason),
            title: "The stream is unavailable.",
            statusCode: reason == RefusalReason.Topics ? StatusCodes.Status429TooManyRequests : StatusCodes.Status503ServiceUnavailable,
            extensions: [new("reason", reason), new("retryAfterMs", retry)])
            .ExecuteAsync(context);
    }
}
