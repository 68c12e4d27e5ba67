using System.Text.Json;
using Microsoft.Extensions.Options;
using SseApp.ServiceDefaults.Cluster.Redis;
using StackExchange.Redis;

namespace SseApp.Gateway.Operators;

internal sealed class RedisReloadStore(IConnectionMultiplexer redis, IOptions<ClusterOptions> options) : IReloadStore
{
    private static readonly TimeSpan s_kept = TimeSpan.FromDays(7);

    private RedisKey Key => $"{options.Value.KeyPrefix}:reload";

    public Task WriteAsync(ReloadStatus status, CancellationToken cancellationToken) =>
        redis.GetDatabase().StringSetAsync(Key, JsonSerializer.Serialize(status, ReloadJsonContext.Default.ReloadStatus), s_kept)
            .WaitAsync(cancellationToken);

    public async Task<ReloadStatus?> ReadAsync(CancellationToken cancellationToken) =>
        (string?)await redis.GetDatabase().StringGetAsync(Key).WaitAsync(cancellationToken) is { } json
            ? JsonSerializer.Deserialize(json, ReloadJsonContext.Default.ReloadStatus)
            : null;
}
