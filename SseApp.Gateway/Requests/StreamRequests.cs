using Microsoft.Net.Http.Headers;

namespace SseApp.Gateway.Requests;

/// <summary>The one place that tells event streams from other requests.</summary>
internal static class StreamRequests
{
    public const string ContentType = "text/event-stream";

    /// <summary>The replicas' stream endpoint.</summary>
    public const string Path = "/events";

    /// <summary>True when the answer may be an event stream and must be forwarded as one.</summary>
    public static bool IsStream(HttpRequest request) =>
        IsStreamPath(request.Path.Value) || (AcceptsEventStream(request) && !PublishRequests.IsPublish(request));

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
    private static bool IsStreamPath(ReadOnlySpan<char> path) => path.TrimEnd('/').Equals(Path, StringComparison.OrdinalIgnoreCase);
}
