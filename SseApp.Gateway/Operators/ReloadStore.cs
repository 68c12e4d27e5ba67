using SseApp.ServiceDefaults.Cluster.Signing;
using StackExchange.Redis;

namespace SseApp.Gateway.Operators;

/// <summary>Keeps the newest reload in Redis, where every gateway sees it, signed.</summary>
internal sealed class ReloadStore(IConnectionMultiplexer redis, IOptions<ClusterOptions> options, SignedRecords records)
{
    private static readonly TimeSpan s_kept = TimeSpan.FromDays(7);

    private RedisKey Key => $"{options.Value.KeyPrefix}:reload";

    /// <exception cref="RedisException">Redis did not answer.</exception>
    public Task WriteAsync(ReloadStatus status, CancellationToken cancellationToken) =>
        redis.GetDatabase().StringSetAsync(
            Key, records.Sign(ForgedKind.Reload, Key.ToString(), status, ReloadJsonContext.Default.ReloadStatus), s_kept)
            .WaitAsync(cancellationToken);

    /// <summary>Null when there was none in the last days.</summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task<ReloadStatus?> ReadAsync(CancellationToken cancellationToken) =>
        (string?)await records.GetAsync(redis.GetDatabase(), ForgedKind.Reload, Key, "").WaitAsync(cancellationToken) is { } text
            ? records.Read(ForgedKind.Reload, Key.ToString(), "", text, ReloadJsonContext.Default.ReloadStatus)?.Body
            : null;
}
