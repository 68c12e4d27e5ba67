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
    public async Task<ReloadStatus?> ReadAsync(CancellationToken cancellationToken)
    {
        var database = redis.GetDatabase();
        if ((string?)await records.GetAsync(database, ForgedKind.Reload, Key, "").WaitAsync(cancellationToken) is not { } text
            || records.Read(ForgedKind.Reload, Key.ToString(), "", text, ReloadJsonContext.Default.ReloadStatus) is not { } signed)
        {
            return null;
        }

        if (signed.Renewed is { } renewed)
        {
            // Unless there is a newer one by now.
            var replacing = database.CreateTransaction();
            replacing.AddCondition(Condition.StringEqual(Key, text));
            var written = replacing.StringSetAsync(Key, renewed, s_kept);
            if (await replacing.ExecuteAsync().WaitAsync(cancellationToken))
            {
                await written.WaitAsync(cancellationToken);
            }
        }

        return signed.Body;
    }
}
