namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>
/// The latest restarts of the cluster's processes, kept in Redis: supervisors write, gateways read and alert.
/// A supervisor without a Redis client posts the same record to a gateway's <c>/admin/restarts</c>.
/// </summary>
public interface IRestartLedger
{
    /// <exception cref="StackExchange.Redis.RedisException">Redis did not take the record.</exception>
    Task AddAsync(RestartRecord restart, CancellationToken cancellationToken);

    /// <summary>The last 200 of the last day, newest first.</summary>
    /// <exception cref="StackExchange.Redis.RedisException">Redis did not answer.</exception>
    Task<IReadOnlyList<RestartRecord>> ReadAsync(CancellationToken cancellationToken);
}
