using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.Events.Streams;

/// <summary>
/// Says "not now" so that each kind of client comes back: an EventSource is closed for ever by any status but 200, so it
/// gets a stream that ends; every other client gets 503.
/// </summary>
internal sealed class StreamRefusal(IOptions<StreamingOptions> options, EventsMetrics metrics)
{
    public async Task WriteAsync(HttpContext context, string reason)
    {
        metrics.Refused(reason);
        var retry = options.Value.NextRetryMilliseconds();
        context.Response.Headers[StreamHeaders.Refused] = reason;
        if (AcceptsEventStream(context.Request))
        {
            StreamResponse.Prepare(context);
            var data = JsonSerializer.Serialize(new StreamUnavailable(reason, retry), StreamingJsonContext.Default.StreamUnavailable);
            // By the letter of the standard a block without an id takes the client's last one away.
            var id = context.Request.Headers["Last-Event-ID"] is [{ Length: > 0 } last] ? $"id: {last}\n" : "";
            await context.Response.WriteAsync(
                string.Create(CultureInfo.InvariantCulture, $"retry: {retry}\n{id}event: stream.unavailable\ndata: {data}\n\n"),
                context.RequestAborted);
            return;
        }

        context.Response.Headers.RetryAfter = Math.Ceiling(retry / 1000.0).ToString(CultureInfo.InvariantCulture);
        await TypedResults.Problem(
            RefusalReason.Explain(reason),
            title: "The stream is unavailable.",
            statusCode: StatusCodes.Status503ServiceUnavailable,
            extensions: [new("reason", reason), new("retryAfterMs", retry)])
            .ExecuteAsync(context);
    }

    private static bool AcceptsEventStream(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(accept =>
            accept.MediaType.Equals(StreamResponse.ContentType, StringComparison.OrdinalIgnoreCase) && accept.Quality is not 0);
}
