namespace SseApp.Gateway.Requests;

/// <summary>How event streams are recognised; who handles a request asks its <see cref="ClientRequest"/>.</summary>
internal static class StreamRequests
{
    /// <summary>True when a response of this media type is an event stream.</summary>
    public static bool IsEventStream(string? mediaType) => string.Equals(mediaType, EventStreams.ContentType, StringComparison.OrdinalIgnoreCase);
}

/// <summary>How publishes are recognised; who handles a request asks its <see cref="ClientRequest"/>.</summary>
internal static class PublishRequests
{
    // As routing compares paths: /Publish/ is /publish.
    public static bool IsPublish(HttpRequest request) =>
        HttpMethods.IsPost(request.Method)
        && request.Path.Value.AsSpan().TrimEnd('/') is var path
        && (IsBatch(request)
            || (request.Path.StartsWithSegments("/topics", StringComparison.OrdinalIgnoreCase)
                && path.EndsWith("/events", StringComparison.OrdinalIgnoreCase)));

    /// <summary>Of the path that takes many events.</summary>
    public static bool IsBatch(HttpRequest request) => request.Path.Value.AsSpan().TrimEnd('/').Equals("/publish", StringComparison.OrdinalIgnoreCase);
}

/// <summary>How reads of topics are recognised; who handles a request asks its <see cref="ClientRequest"/>.</summary>
internal static class ReadRequests
{
    // /position and /events/position, which read each of their topics; /topics/{topic} and /topics/{topic}/events, as routing compares them; a slash within a name is written %2F.
    public static bool IsRead(HttpRequest request)
    {
        if (ClientRequest.IsBodiless(request)
            && request.Path.Value.AsSpan().TrimEnd('/') is var whole
            && (whole.Equals(EventStreams.PositionPath, StringComparison.OrdinalIgnoreCase) || whole.Equals(EventStreams.Path + EventStreams.PositionPath, StringComparison.OrdinalIgnoreCase)))
        {
            return true;
        }

        if (!ClientRequest.IsBodiless(request)
            || !request.Path.StartsWithSegments("/topics", StringComparison.OrdinalIgnoreCase, out var rest))
        {
            return false;
        }

        var path = rest.Value.AsSpan().Trim('/');
        var slash = path.IndexOf('/');
        return path.Length > 0 && (slash < 0 || path[slash..].Equals("/events", StringComparison.OrdinalIgnoreCase));
    }
}
