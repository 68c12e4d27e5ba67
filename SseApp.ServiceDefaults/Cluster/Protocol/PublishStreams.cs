using Microsoft.Net.Http.Headers;

namespace SseApp.ServiceDefaults.Cluster.Protocol;

/// <summary>What replicas and gateways do alike with a publish that streams: lines of events in, lines of results out, both at once.</summary>
internal static class PublishStreams
{
    public const string ContentType = "application/x-ndjson";

    /// <summary>
    /// Token of the <c>Upgrade</c> header by which a gateway asks a replica for a connection of <see cref="PublishFrame"/>; it names the
    /// version. An HTTP/1.1 client of .NET reads no answer before it has sent its body, so that bodies and results would wait for each other.
    /// </summary>
    public const string Upgrade = "sseapp-publish/1";

    /// <summary>
    /// True when the client sends NDJSON and names it in <c>Accept</c>, too. <c>*/*</c> does not count: a batch of lines is
    /// answered once, and its clients need not know this.
    /// </summary>
    public static bool IsAsked(HttpRequest request)
    {
        if (request.ContentType is not { } type || !type.Contains("ndjson", StringComparison.OrdinalIgnoreCase)
            || !MediaTypeHeaderValue.TryParse(type, out var sent) || !IsLines(sent))
        {
            return false;
        }

        foreach (var line in request.Headers.Accept)
        {
            if (line is not null && line.Contains("ndjson", StringComparison.OrdinalIgnoreCase)
                && MediaTypeHeaderValue.TryParseList([line], out var accepted)
                && accepted.Any(static accept => IsLines(accept) && accept.Quality is not 0))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsLines(MediaTypeHeaderValue type) =>
        type.MediaType.Equals(ContentType, StringComparison.OrdinalIgnoreCase) || type.MediaType.Equals("application/ndjson", StringComparison.OrdinalIgnoreCase);
}

/// <summary>Why a stream of publishes ended: the member <c>end</c> of its last line.</summary>
internal static class PublishStreamEnd
{
    /// <summary>Every line was answered.</summary>
    public const string Complete = "complete";

    /// <summary>The replica shuts down.</summary>
    public const string Draining = "draining";

    /// <summary>The gateway shuts down.</summary>
    public const string GatewayStopping = "gateway-stopping";

    /// <summary>The replica broke off.</summary>
    public const string Unreachable = "replica-unreachable";

    /// <summary>Redis could not take a line.</summary>
    public const string Redis = "redis";

    /// <summary>There was no memory for a line.</summary>
    public const string Busy = "busy";

    /// <summary>Nothing came for too long.</summary>
    public const string Idle = "idle";

    /// <summary>A line did not come to its end in time.</summary>
    public const string TooSlow = "body-too-slow";

    /// <summary>The body broke off.</summary>
    public const string Broken = "body-broken";

    /// <summary>The replica failed.</summary>
    public const string Failed = "replica-error";
}
