using System.Runtime.CompilerServices;
using SseApp.ServiceDefaults.Cluster.Redis;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>
/// Carries operators' commands from any gateway to a replica: one expiring key and one channel a replica. The newest command
/// replaces the one before and is kept for a while, so that a lost announcement delays it only to the next heartbeat. They are
/// signed; what no gateway of this cluster has sent a moment ago is ignored.
/// </summary>
internal sealed class RedisReplicaCommands(IConnectionMultiplexer redis, IOptions<ClusterOptions> options, SignedRecords records)
{
    // Shorter than a signature is good for, so that none that is still there is too old.
    private static readonly TimeSpan s_kept = RecordSignature.Lifetime / 2;

    private const string SendScript = """
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        redis.call('PUBLISH', ARGV[3], ARGV[1])
        return 1
        """;

    /// <exception cref="RedisException">Redis did not take the command.</exception>
    public Task SendAsync(ReplicaCommand command, CancellationToken cancellationToken)
    {
        var json = records.Sign(ForgedKind.Command, Key(command.ReplicaId).ToString(), command, ReplicaJsonContext.Default.ReplicaCommand);
        return redis.GetDatabase().ScriptEvaluateAsync(
            SendScript, [Key(command.ReplicaId)], [json, (long)s_kept.TotalMilliseconds, Channel(command.ReplicaId).ToString()])
            .WaitAsync(cancellationToken);
    }

    /// <summary>The newest command to the replica, or null.</summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task<ReplicaCommand?> ReadAsync(string replicaId, CancellationToken cancellationToken) =>
        (string?)await records.GetAsync(redis.GetDatabase(), ForgedKind.Command, Key(replicaId), replicaId).WaitAsync(cancellationToken) is { } text
            ? Verify(replicaId, text)
            : null;

    /// <summary>Commands to the replica from now on; some may be lost, see <see cref="ReadAsync"/>.</summary>
    public async IAsyncEnumerable<ReplicaCommand> WatchAsync(string replicaId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var queue = await redis.GetSubscriber().SubscribeAsync(Channel(replicaId)).WaitAsync(cancellationToken);
        try
        {
            await foreach (var message in queue.WithCancellation(cancellationToken))
            {
                if (Verify(replicaId, message.Message) is { } command)
                {
                    yield return command;
                }
            }
        }
        finally
        {
            await queue.UnsubscribeAsync(CommandFlags.FireAndForget);
        }
    }

    private ReplicaCommand? Verify(string replicaId, string? text) =>
        records.Read(ForgedKind.Command, Key(replicaId).ToString(), replicaId, text, ReplicaJsonContext.Default.ReplicaCommand, current: true)?.Body;

    // The registry's hash tag: one slot of a Redis Cluster holds all that belongs to the replicas.
    private RedisKey Key(string replicaId) => $"{{{options.Value.KeyPrefix}:replicas}}:command:{replicaId}";

    private RedisChannel Channel(string replicaId) => RedisChannel.Literal($"{options.Value.ChannelPrefix}:replicas:command:{replicaId}");
}
