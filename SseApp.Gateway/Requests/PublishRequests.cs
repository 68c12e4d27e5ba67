namespace SseApp.Gateway.Requests;

/// <summary>The one place that tells publishes from other requests.</summary>
internal static class PublishRequests
{
    // As routing compares paths, which does not tell /Publish/ from /publish.
    public static bool IsPublish(HttpRequest request) =>
        HttpMethods.IsPost(request.Method)
        && request.Path.Value.AsSpan().TrimEnd('/') is var path
        && (path.Equals("/publish", StringComparison.OrdinalIgnoreCase)
            || (request.Path.StartsWithSegments("/topics", StringComparison.OrdinalIgnoreCase)
                && path.EndsWith("/events", StringComparison.OrdinalIgnoreCase)));
}
