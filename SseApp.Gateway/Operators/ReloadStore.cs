using SseApp.ServiceDefaults.Cluster.Signing;
using StackExchange.Redis;

namespace SseApp.Gateway.Operators;

/// <summary>Keeps the newest reload in Redis, where every gateway sees it, signed.</summary>
internal sealed class ReloadStore(IConnectionMultiplexer redis, IOptions<ClusterOptions> options, RecordSignature signature, ForgedRecords forged)
{
    private static readonly TimeSpan s_kept = TimeSpan.FromDays(7);

    private RedisKey Key => $"{options.Value.KeyPrefix}:reload";

    /// <exception cref="RedisException">Redis did not answer.</exception>
    public Task WriteAsync(ReloadStatus status, CancellationToken cancellationToken) =>
        redis.GetDatabase().StringSetAsync(
            Key, signature.Sign(ForgedKind.Reload, Key.ToString(), JsonSerializer.Serialize(status, ReloadJsonContext.Default.ReloadStatus)), s_kept)
            .WaitAsync(cancellationToken);

    /// <summary>Null when there was none in the last days.</summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task<ReloadStatus?> ReadAsync(CancellationToken cancellationToken)
    {
        if ((string?)await redis.GetDatabase().StringGetAsync(Key).WaitAsync(cancellationToken) is not { } text)
        {
            return null;
        }

        if (signature.Verify(ForgedKind.Reload, Key.ToString(), text, out var fault) is { } signed)
        {
            if (signature.Renew(ForgedKind.Reload, Key.ToString(), signed) is { } renewed)
            {
                // Unless there is a newer one by now.
                var replacing = redis.GetDatabase().CreateTransaction();
                replacing.AddCondition(Condition.StringEqual(Key, text));
                var written = replacing.StringSetAsync(Key, renewed, s_kept);
                if (await replacing.ExecuteAsync().WaitAsync(cancellationToken))
                {
                    await written.WaitAsync(cancellationToken);
                }
            }

            return JsonSerializer.Deserialize(signed.Body, ReloadJsonContext.Default.ReloadStatus);
        }

        forged.Add(ForgedKind.Reload, "", fault);
        return null;
    }
}
