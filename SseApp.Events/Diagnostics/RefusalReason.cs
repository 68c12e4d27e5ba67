namespace SseApp.Events.Diagnostics;

/// <summary>Why a stream was not opened; in <c>stream.unavailable</c> and in the metric's label <c>reason</c>.</summary>
internal static class RefusalReason
{
    public const string Draining = "draining";
    public const string ConnectionLimit = "connection-limit";
    public const string Redis = "redis";

    /// <summary>The handler of the stream threw; gateways use the same word for a 5xx without a reason.</summary>
    public const string Failed = "replica-error";

    public static readonly string[] All = [Draining, ConnectionLimit, Redis];

    public static string Explain(string reason) => reason switch
    {
        Draining => "This replica is shutting down; another one will serve the request.",
        ConnectionLimit => "This replica holds as many streams as Streaming:MaxConnections allows.",
        _ => "Redis is not reachable from this replica, so it cannot subscribe.",
    };
}
