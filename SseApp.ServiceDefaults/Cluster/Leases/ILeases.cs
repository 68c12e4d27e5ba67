namespace SseApp.ServiceDefaults.Cluster.Leases;

/// <summary>
/// Work that only one process of the cluster may do at a time. A lease ends by itself when its holder no longer renews
/// it, so the death of a holder stops nobody for long.
/// </summary>
public interface ILeases
{
    /// <summary>Takes a lease that is free, or renews one that <paramref name="owner"/> holds.</summary>
    /// <param name="name">Name of the work.</param>
    /// <param name="owner">Unique to the holder.</param>
    /// <param name="duration">The lease ends this long after the last call.</param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    /// <returns>False when somebody else holds it.</returns>
    /// <exception cref="StackExchange.Redis.RedisException">Redis did not answer.</exception>
    Task<bool> TryAcquireAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken);

    /// <summary>Gives the lease back; no effect when <paramref name="owner"/> does not hold it.</summary>
    /// <exception cref="StackExchange.Redis.RedisException">Redis did not answer; the lease ends by itself.</exception>
    Task ReleaseAsync(string name, string owner, CancellationToken cancellationToken);
}
