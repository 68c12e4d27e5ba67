namespace SseApp.Gateway.Alerts;

/// <summary>Keeps the one <see cref="AlertBook"/> of all gateways.</summary>
internal interface IAlertStore
{
    /// <summary>The book, null if there is none yet, and the time that all gateways go by.</summary>
    /// <exception cref="StackExchange.Redis.RedisException">Redis did not answer.</exception>
    /// <exception cref="TimeoutException">As above.</exception>
    Task<(AlertBook? Book, string Version, DateTimeOffset Now)> ReadAsync(CancellationToken cancellationToken);

    /// <returns>False, without effect, when somebody else wrote since <paramref name="version"/> was read.</returns>
    Task<bool> TryWriteAsync(AlertBook book, string version, CancellationToken cancellationToken);
}
