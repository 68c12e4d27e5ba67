namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>
/// The list of live Events replicas, kept in Redis: each replica writes its own record, gateways read them all.
/// </summary>
internal interface IReplicaRegistry
{
    /// <summary>
    /// Writes <paramref name="record"/> and lets it expire after <see cref="ReplicaRegistryOptions.Expiry"/>.
    /// </summary>
    /// <param name="record">The replica's whole record.</param>
    /// <param name="announce">True when the state changed and gateways must hear of it now instead of at their next read.</param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    /// <exception cref="StackExchange.Redis.RedisException">Redis did not take the record.</exception>
    Task WriteAsync(ReplicaRecord record, bool announce, CancellationToken cancellationToken);

    /// <summary>Takes a replica out and announces that.</summary>
    /// <exception cref="StackExchange.Redis.RedisException">Redis did not answer; the record expires by itself.</exception>
    Task RemoveAsync(string replicaId, CancellationToken cancellationToken);

    /// <summary>All records that have not expired, ordered by id.</summary>
    /// <exception cref="StackExchange.Redis.RedisException">Redis did not answer.</exception>
    Task<IReadOnlyList<ReplicaRecord>> ReadAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Announcements from now on. The subscription survives reconnects to Redis; announcements made meanwhile are lost.
    /// </summary>
    IAsyncEnumerable<ReplicaChange> WatchAsync(CancellationToken cancellationToken);
}

/// <summary>
/// An announcement: <paramref name="Record"/> is the replica's new record, or null when the replica took itself
/// out of the registry. Announcements can be lost (pub/sub is at most once); the periodic read is the truth.
/// </summary>
internal sealed record ReplicaChange(string ReplicaId, ReplicaRecord? Record);
