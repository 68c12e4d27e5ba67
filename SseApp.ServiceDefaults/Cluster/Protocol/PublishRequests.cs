namespace SseApp.ServiceDefaults.Cluster.Protocol;

/// <summary>How publishes are recognised.</summary>
internal static class PublishRequests
{
    public static bool IsPublish(HttpRequest request) => HttpMethods.IsPost(request.Method) && IsPath(request.Path);

    // As routing compares paths: /Publish/ is /publish.
    public static bool IsPath(PathString path) =>
        path.Value.AsSpan().TrimEnd('/') is var whole
        && (IsBatch(whole)
            || (path.StartsWithSegments("/topics", StringComparison.OrdinalIgnoreCase)
                && whole.EndsWith("/events", StringComparison.OrdinalIgnoreCase)));

    /// <summary>Whether a publish to this path may be many events.</summary>
    public static bool IsBatch(PathString path) => IsBatch(path.Value.AsSpan().TrimEnd('/'));

    private static bool IsBatch(ReadOnlySpan<char> path) => path.Equals("/publish", StringComparison.OrdinalIgnoreCase);
}
