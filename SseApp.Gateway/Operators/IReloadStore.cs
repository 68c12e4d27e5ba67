namespace SseApp.Gateway.Operators;

/// <summary>Keeps the newest reload where every gateway sees it.</summary>
internal interface IReloadStore
{
    /// <exception cref="StackExchange.Redis.RedisException">Redis did not answer.</exception>
    Task WriteAsync(ReloadStatus status, CancellationToken cancellationToken);

    /// <summary>Null when there was none in the last days.</summary>
    /// <exception cref="StackExchange.Redis.RedisException">Redis did not answer.</exception>
    Task<ReloadStatus?> ReadAsync(CancellationToken cancellationToken);
}
