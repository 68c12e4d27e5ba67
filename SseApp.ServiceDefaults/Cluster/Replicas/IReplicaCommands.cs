namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>
/// Carries operators' commands from any gateway to a replica, by the Redis that both use. The newest command to a replica
/// replaces the one before and is kept for a minute, so that a lost announcement delays it only to the next heartbeat.
/// </summary>
public interface IReplicaCommands
{
    /// <exception cref="StackExchange.Redis.RedisException">Redis did not take the command.</exception>
    Task SendAsync(ReplicaCommand command, CancellationToken cancellationToken);

    /// <summary>The newest command to the replica, or null.</summary>
    /// <exception cref="StackExchange.Redis.RedisException">Redis did not answer.</exception>
    Task<ReplicaCommand?> ReadAsync(string replicaId, CancellationToken cancellationToken);

    /// <summary>Commands to the replica from now on; some may be lost, see <see cref="ReadAsync"/>.</summary>
    IAsyncEnumerable<ReplicaCommand> WatchAsync(string replicaId, CancellationToken cancellationToken);
}
