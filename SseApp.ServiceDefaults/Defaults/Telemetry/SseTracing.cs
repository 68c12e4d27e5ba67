using System.Diagnostics;

namespace SseApp.ServiceDefaults.Defaults.Telemetry;

/// <summary>Spans of our own, beside those of the platform. While nobody listens they cost a look at a field.</summary>
internal static class SseTracing
{
    public const string SourceName = "SseApp";

    public static ActivitySource Source { get; } = new(SourceName);

    /// <summary>
    /// Begins the span of a stream that is being opened or resumed; it ends when the stream is open. The request's own span, which would end
    /// hours later, is not recorded, so this one takes its place: its parent is whoever asked. It is the current one in the method that
    /// calls this, and in what that calls.
    /// </summary>
    /// <returns>Null when nobody listens, or it is not among the sampled ones.</returns>
    public static Activity? OpenStream(HttpContext context)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        var headers = context.Request.Headers;
        var resumes = headers["Last-Event-ID"] is [{ Length: > 0 }] || context.Request.QueryString.Value?.Contains("lastEventId=", StringComparison.OrdinalIgnoreCase) == true;
        // None, or none that can be read: it begins a trace.
        _ = ActivityContext.TryParse(headers.TraceParent, headers.TraceState, isRemote: true, out var parent);
        var request = Activity.Current;
        Activity.Current = null;
        var span = Source.StartActivity(resumes ? "resume stream" : "open stream", ActivityKind.Server, parent);
        if (span is null)
        {
            Activity.Current = request;
            return null;
        }

        span.SetTag("url.path", context.Request.Path.Value);
        return span;
    }
}
