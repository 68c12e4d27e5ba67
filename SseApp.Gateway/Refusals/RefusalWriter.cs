using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Telemetry;
using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.Gateway.Refusals;

/// <summary>
/// Answers a request that cannot be served now. An EventSource is closed for ever by any status but 200
/// (<see href="https://html.spec.whatwg.org/multipage/server-sent-events.html#processing-model">WHATWG HTML, 9.2.3</see>),
/// so it gets a short stream that tells it when to come back; everybody else gets the true status (RFC 9457).
/// </summary>
internal sealed class RefusalWriter(IOptions<RefusalOptions> options, GatewayMetrics metrics, RefusalTotal total)
{
    /// <param name="context">The request, whose response has not begun.</param>
    /// <param name="refusal">Why it is refused.</param>
    /// <param name="notBefore">Time until trying again can succeed; the random time of <see cref="RefusalOptions"/> is added.</param>
    public Task WriteAsync(HttpContext context, Refusal refusal, TimeSpan notBefore = default)
    {
        total.Add();
        metrics.Refusals.Add(1, new KeyValuePair<string, object?>("reason", refusal.Reason));
        var response = context.Response;
        response.Clear();
        var retryMs = (int)Math.Ceiling(notBefore.TotalMilliseconds) + RandomNumberGenerator.GetInt32(
            (int)options.Value.MinRetry.TotalMilliseconds, (int)options.Value.MaxRetry.TotalMilliseconds + 1);
        // A 200 must not be mistaken for a publish that was stored, whatever its publisher accepts.
        return StreamRequests.AcceptsEventStream(context.Request) && !PublishRequests.IsPublish(context.Request)
            ? WriteStreamAsync(context, refusal, retryMs)
            : WriteProblemAsync(context, refusal, retryMs);
    }

    private static Task WriteStreamAsync(HttpContext context, Refusal refusal, int retryMs)
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = StreamRequests.ContentType;
        response.Headers.CacheControl = "no-cache, no-store, must-revalidate, no-transform";
        response.Headers["X-Accel-Buffering"] = "no";
        response.Headers.ContentEncoding = "identity";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();

        // By the letter of the standard a block without an id takes the client's last one away.
        var id = context.Request.Headers["Last-Event-ID"] is [{ Length: > 0 } last] ? $"id: {last}\n" : "";
        return response.WriteAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $$"""
                retry: {{retryMs}}
                {{id}}event: stream.unavailable
                data: {"reason":"{{refusal.Reason}}","retryAfterMs":{{retryMs}}}


                """),
            context.RequestAborted);
    }

    private static Task WriteProblemAsync(HttpContext context, Refusal refusal, int retryMs)
    {
        // Whole seconds, rounded up (RFC 9110, 10.2.3).
        context.Response.Headers[HeaderNames.RetryAfter] = ((retryMs + 999) / 1000).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers.CacheControl = "no-store";
        var retry = KeyValuePair.Create<string, object?>("retryAfterMs", retryMs);
        return PublishRequests.IsPublish(context.Request)
            ? Problems.WriteAsync(context, refusal.Status, refusal.Detail, refusal.Reason, retry, new(PublishOutcome.Member, Outcome(context)))
            : Problems.WriteAsync(context, refusal.Status, refusal.Detail, refusal.Reason, retry);
    }

    private static string Outcome(HttpContext context) =>
        context.Features.Get<IForwardAttempts>() is { MayHaveArrived: true } ? PublishOutcome.Unknown : PublishOutcome.NotStored;
}
