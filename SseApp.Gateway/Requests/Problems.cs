using System.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;

namespace SseApp.Gateway.Requests;

/// <summary>Problem details (RFC 9457) that can be found again in the logs and traces.</summary>
internal static class Problems
{
    /// <summary>What names the request in problem details, the access log and traces.</summary>
    public static string RequestId(HttpContext context) => Activity.Current?.Id ?? context.TraceIdentifier;

    public static Task WriteAsync(HttpContext context, int status, string detail, string? reason = null, params ReadOnlySpan<KeyValuePair<string, object?>> more) =>
        Result(context, status, detail, reason, more).ExecuteAsync(context);

    public static ProblemHttpResult Result(HttpContext context, int status, string detail, string? reason = null, params ReadOnlySpan<KeyValuePair<string, object?>> more)
    {
        var extensions = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["traceId"] = RequestId(context),
        };
        if (reason is not null)
        {
            extensions["reason"] = reason;
        }

        foreach (var (name, value) in more)
        {
            extensions[name] = value;
        }

        context.Response.Headers.XContentTypeOptions = "nosniff";
        return TypedResults.Problem(detail, instance: context.Request.Path, statusCode: status, extensions: extensions);
    }
}
