namespace SseApp.Events.Diagnostics;

/// <summary>Why a stream was not opened; in <c>stream.unavailable</c> and in the metric's label <c>reason</c>.</summary>
internal static class RefusalReason
{
    public const string Draining = "draining";
    public const string ConnectionLimit = "connection-limit";
    public const string OpenFiles = "open-files";
    public const string Redis = "redis";

    /// <summary>The handler of the stream threw; gateways use the same word for a 5xx without a reason.</summary>
    public const string Failed = "replica-error";

    public static readonly string[] All = [Draining, ConnectionLimit, OpenFiles, Redis];

    public static string Explain(string reason) => reason switch
    {
        Draining => "This replica is shutting down; another one will serve the request.",
        ConnectionLimit => "This replica holds as many streams as Streaming:MaxConnections allows.",
        OpenFiles => "This replica has as many connections as its limit of open files allows (ulimit -n, LimitNOFILE=, ulimits.nofile).",
        _ => "Redis is not reachable from this replica, so it cannot subscribe.",
    };
}

/// <summary>Why an event was not stored, in the metric's label <c>reason</c>.</summary>
internal static class PublishRefusal
{
    /// <summary>Redis has no room.</summary>
    public const string Full = "redis-full";

    /// <summary>The topic logs have what they may have.</summary>
    public const string StorageFull = "storage-full";

    /// <summary>The client has as many idempotency keys as it may have.</summary>
    public const string IdempotencyKeys = "idempotency-keys";

    public static readonly string[] All = [Full, StorageFull, IdempotencyKeys];
}
