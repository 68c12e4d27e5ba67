using SseApp.Gateway.Forwarding;

namespace SseApp.Gateway.Limits;

/// <summary>Holds a client to its publish rate.</summary>
internal sealed class PublishLimitMiddleware(RequestDelegate next, RequestRates rates, RefusalWriter refusals)
{
    public Task InvokeAsync(HttpContext context) =>
        IsPublish(context.Request) && rates.TryPublish(context) is { } retryAfter
            ? refusals.WriteAsync(context, Refusal.PublishRate, retryAfter)
            : next(context);

    // As routing compares paths, which does not tell /Publish/ from /publish.
    private static bool IsPublish(HttpRequest request) =>
        HttpMethods.IsPost(request.Method)
        && request.Path.Value.AsSpan().TrimEnd('/') is var path
        && (path.Equals("/publish", StringComparison.OrdinalIgnoreCase)
            || (request.Path.StartsWithSegments("/topics", StringComparison.OrdinalIgnoreCase)
                && path.EndsWith("/events", StringComparison.OrdinalIgnoreCase)));
}
