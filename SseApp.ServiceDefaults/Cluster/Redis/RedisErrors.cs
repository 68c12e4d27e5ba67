namespace SseApp.ServiceDefaults.Cluster.Redis;

internal static class RedisErrors
{
    /// <summary>
    /// True for what Redis or the way to it can cause. RedisTimeoutException is a TimeoutException, not a RedisException;
    /// RedisCommandException is neither: it comes during a failover, while the only server known is a read-only one.
    /// </summary>
    public static bool IsUnavailable(Exception exception) =>
        exception is RedisException or RedisCommandException or TimeoutException || IsTornDown(exception);

    /// <summary>
    /// What to log of an outage: one line. Where in the code it was met says nothing to whoever runs it, and outages are ordinary.
    /// </summary>
    public static string Reason(Exception exception) =>
        (exception is RedisClientException { InnerException: { } inner } ? inner : exception).Message.ReplaceLineEndings(" ");

    /// <summary>True when the server has no room for what it was to store; nothing of that is stored, and trying again soon does not help.</summary>
    public static bool IsFull(Exception exception) =>
        exception is RedisFullException || (exception is RedisServerException && exception.Message.Contains("OOM command not allowed", StringComparison.Ordinal));

    /// <summary>How an error begins of a server that cannot write to its disk.</summary>
    public const string NoDisk = "MISCONF";

    /// <summary>True when the server stores nothing, and answers no ping, because it cannot write to its disk.</summary>
    public static bool IsWithoutDisk(Exception exception) =>
        exception is RedisServerException && exception.Message.Contains(NoDisk, StringComparison.Ordinal);

    /// <summary>How an error begins of a server that has fewer replicas than it wants.</summary>
    public const string NoReplicas = "NOREPLICAS";

    /// <summary>How an error begins of a server that is a replica itself.</summary>
    public const string ReadOnly = "READONLY";

    // The client's own words: once it knows what the server is, it sends it nothing to be refused.
    private const string NotForReplicas = "cannot be issued to a replica";

    /// <summary>Why a server that answers stores nothing, and what to do about it; null when it is not one of these reasons.</summary>
    public static string? StoresNothing(string error) =>
        error.Contains(NoDisk, StringComparison.Ordinal)
            ? "Redis stores nothing, and every publish is refused, because it cannot write to its disk: it is full, or the last save failed. Free space on it; Redis' own log says what is wrong, and publishes are taken as soon as a save succeeds (redis-cli BGSAVE)."
        : error.Contains(NoReplicas, StringComparison.Ordinal)
            ? "Redis stores nothing, and every publish is refused, because fewer of its replicas are connected than its min-replicas-to-write asks for; bring them back (redis-cli INFO replication lists them), or lower it: redis-cli CONFIG SET min-replicas-to-write 0."
        : error.Contains(ReadOnly, StringComparison.Ordinal) || error.Contains(NotForReplicas, StringComparison.Ordinal)
            ? "Redis only reads: it is the replica of another server; connect to the primary, or make this server one: redis-cli REPLICAOF NO ONE."
        : null;

    /// <summary>True when a key holds another type of value than the command is for: somebody else has written there.</summary>
    public static bool IsWrongType(Exception exception) =>
        exception is RedisServerException && exception.Message.Contains("WRONGTYPE", StringComparison.Ordinal);

    /// <summary>
    /// True for what the client throws when it writes to a connection that it has just closed, or gives up commands that
    /// waited for one. All are seen in failovers, and on a machine so busy that a connection counts as dead; none is an
    /// exception of its own.
    /// </summary>
    public static bool IsTornDown(Exception exception) =>
        exception is RedisClientException or ObjectDisposedException or InvalidOperationException { Source: "System.IO.Pipelines" }
            // The end of the connection itself, as the client's transport says it. It ended a gateway with all its streams.
            || (exception is IOException && exception.GetType().Namespace == "Pipelines.Sockets.Unofficial")
            // A wait that a caller ended has the caller's token.
            || exception is OperationCanceledException { CancellationToken.CanBeCanceled: false };
}

/// <summary>
/// The client library failed in a way that it has no exception for, as it may while servers are replaced (seen once in hundreds of
/// failovers, as an answer 500). What became of the command nobody knows.
/// </summary>
internal sealed class RedisClientException(Exception inner) : RedisException("The Redis client failed.", inner);
