using Microsoft.Net.Http.Headers;

namespace SseApp.Gateway.Requests;

/// <summary>How event streams are recognised; who handles a request asks its <see cref="ClientRequest"/>.</summary>
internal static class StreamRequests
{
    public const string ContentType = "text/event-stream";

    /// <summary>The replicas' stream endpoint.</summary>
    public const string Path = "/events";

    /// <summary>
    /// True when the client names <c>text/event-stream</c> in <c>Accept</c>, as every EventSource does. <c>*/*</c> does
    /// not count: such a client (curl, fetch) can read a true status.
    /// </summary>
    public static bool AcceptsEventStream(HttpRequest request)
    {
        foreach (var line in request.Headers.Accept)
        {
            // Cheap test first: almost all requests that are no streams end here, without parsing.
            if (line is null || !line.Contains(ContentType, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (MediaTypeHeaderValue.TryParseList([line], out var accepted)
                && accepted.Any(type => type.MediaType.Equals(ContentType, StringComparison.OrdinalIgnoreCase) && type.Quality is not 0))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>True when a response of this media type is an event stream.</summary>
    public static bool IsEventStream(string? mediaType) => string.Equals(mediaType, ContentType, StringComparison.OrdinalIgnoreCase);

    // As routing compares paths: a stream that is asked for as /Events/ would otherwise be under no limit.
    public static bool IsStreamPath(ReadOnlySpan<char> path) => path.TrimEnd('/').Equals(Path, StringComparison.OrdinalIgnoreCase);
}

/// <summary>How publishes are recognised; who handles a request asks its <see cref="ClientRequest"/>.</summary>
internal static class PublishRequests
{
    // As routing compares paths: /Publish/ is /publish.
    public static bool IsPublish(HttpRequest request) =>
        HttpMethods.IsPost(request.Method)
        && request.Path.Value.AsSpan().TrimEnd('/') is var path
        && (path.Equals("/publish", StringComparison.OrdinalIgnoreCase)
            || (request.Path.StartsWithSegments("/topics", StringComparison.OrdinalIgnoreCase)
                && path.EndsWith("/events", StringComparison.OrdinalIgnoreCase)));
}
