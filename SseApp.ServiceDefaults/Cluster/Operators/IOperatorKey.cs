namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>The secret that gateways and replicas of one cluster share, and nobody else.</summary>
internal interface IOperatorKey
{
    /// <summary>The key; the last known one while Redis is away.</summary>
    /// <exception cref="StackExchange.Redis.RedisException">Redis is away and was never asked before.</exception>
    /// <exception cref="TimeoutException">As above.</exception>
    ValueTask<byte[]> GetAsync(CancellationToken cancellationToken);
}
