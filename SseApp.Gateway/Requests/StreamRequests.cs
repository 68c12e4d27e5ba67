using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.Gateway.Requests;

/// <summary>The one place that tells event streams from other requests.</summary>
internal static class StreamRequests
{
    /// <summary>The replicas' stream endpoint.</summary>
    public const string Path = "/events";

    /// <summary>True when the answer may be an event stream and must be forwarded as one.</summary>
    public static bool IsStream(HttpRequest request) =>
        IsStreamPath(request.Path.Value) || (EventStreams.IsAccepted(request) && !PublishRequests.IsPublish(request));

    /// <summary>True when a response of this media type is an event stream.</summary>
    public static bool IsEventStream(string? mediaType) => string.Equals(mediaType, EventStreams.ContentType, StringComparison.OrdinalIgnoreCase);

    // As routing compares paths: a stream that is asked for as /Events/ would otherwise be under no limit.
    private static bool IsStreamPath(ReadOnlySpan<char> path) => path.TrimEnd('/').Equals(Path, StringComparison.OrdinalIgnoreCase);
}
