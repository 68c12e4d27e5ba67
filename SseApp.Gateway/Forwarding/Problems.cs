using System.Diagnostics;

namespace SseApp.Gateway.Forwarding;

/// <summary>Problem details (RFC 9457) that can be found again in the logs and traces.</summary>
internal static class Problems
{
    public static Task WriteAsync(HttpContext context, int status, string detail, string? reason = null)
    {
        var extensions = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["traceId"] = Activity.Current?.Id ?? context.TraceIdentifier,
        };
        if (reason is not null)
        {
            extensions["reason"] = reason;
        }

        return TypedResults.Problem(detail, instance: context.Request.Path, statusCode: status, extensions: extensions).ExecuteAsync(context);
    }
}
