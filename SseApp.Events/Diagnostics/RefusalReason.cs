namespace SseApp.Events.Diagnostics;

/// <summary>Why a stream was not opened; in <c>stream.unavailable</c> and in the metric's label <c>reason</c>.</summary>
internal static class RefusalReason
{
    public const string Draining = "draining";
    public const string ConnectionLimit = "connection-limit";
    public const string OpenFiles = "open-files";
    public const string Redis = "redis";
    public const string Topics = "topics";

    /// <summary>The stream would begin with events that are archived, and the archive cannot be read now.</summary>
    public const string Archive = "archive";

    /// <summary>The handler of the stream threw; gateways use the same word for a 5xx without a reason.</summary>
    public const string Failed = "replica-error";

    public static readonly string[] All = [Draining, ConnectionLimit, OpenFiles, Redis, Topics, Archive, Failed];

    public static string Explain(string reason) => reason switch
    {
        Draining => "This replica is shutting down; another one will serve the request.",
        ConnectionLimit => "This replica holds as many streams as Streaming:MaxConnections allows.",
        OpenFiles => "This replica has as many connections as its limit of open files allows (ulimit -n, LimitNOFILE=, ulimits.nofile).",
        Topics => "More topics become active than this replica begins in a second (Topics:NewHubsPerSecond).",
        Archive => "The stream begins with events that only the archive has, and its database cannot be read now.",
        _ => "Redis is not reachable from this replica, so it cannot subscribe.",
    };
}

/// <summary>Why a request that is no stream was refused although it was right; in problem details and in metrics' label <c>reason</c>.</summary>
internal static class RequestRefusal
{
    /// <summary>Others hold the memory that it needs.</summary>
    public const string Busy = "busy";
}

/// <summary>Why a publish, or an event of a batch, was not stored, in the metric's label <c>reason</c>.</summary>
internal static class PublishRefusal
{
    /// <summary>Redis has no room.</summary>
    public const string Full = "redis-full";

    /// <summary>The topic logs have what they may have.</summary>
    public const string StorageFull = "storage-full";

    /// <summary>The client has as many idempotency keys as it may have.</summary>
    public const string IdempotencyKeys = "idempotency-keys";

    /// <summary>Others hold the memory that it needs.</summary>
    public const string Busy = RequestRefusal.Busy;

    /// <summary>An event of a batch, for which the client's rate has no room; as of gateways.</summary>
    public const string Rate = "publish-rate";

    /// <summary>A batch would store more than it may.</summary>
    public const string BatchTooLarge = "batch-too-large";

    /// <summary>Something else than a topic's counter lies under its key.</summary>
    public const string Foreign = "topic-key-foreign";

    /// <summary>The body did not come in time.</summary>
    public const string TooSlow = "body-too-slow";

    public static readonly string[] All = [Full, StorageFull, IdempotencyKeys, Busy, Rate, BatchTooLarge, Foreign, TooSlow];
}
