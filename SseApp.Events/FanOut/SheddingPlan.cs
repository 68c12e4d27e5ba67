using SseApp.ServiceDefaults.Cluster.Placement;

namespace SseApp.Events.FanOut;

/// <summary>How many streams this replica is to end now, and which of them would then be placed elsewhere.</summary>
/// <param name="count">Streams to end, by all shards together.</param>
/// <param name="nodes">All replicas that streams can go to, each with the streams that it holds.</param>
/// <param name="self">The place of this replica among them; -1 when it is none of them (a backup that is no longer needed).</param>
/// <param name="loadFactor">The gateway's bound.</param>
internal sealed class SheddingPlan(int count, BalanceNode[] nodes, int self, double loadFactor)
{
    /// <summary><see cref="StreamConnection.PlacementKey"/> of a stream that was placed by count: any other place will do.</summary>
    public const ulong AnyPlace = 1;

    // What one look may cost the streams that wait meanwhile; the next one begins elsewhere.
    private const int MaxVisits = 2000;

    // As the gateway will see it when the stream has ended.
    private readonly BalanceNode[] _nodes = [.. nodes.Select((node, i) => i == self ? node with { Load = Math.Max(0, node.Load - 1) } : node)];
    private int _left = count;

    private bool IsDone => Volatile.Read(ref _left) <= 0;

    public static ulong KeyOf(StreamPlacement? placement) => placement switch
    {
        null => 0,
        { Key: { } key } => Math.Max(key, AnyPlace + 1),
        _ => AnyPlace,
    };

    /// <summary>
    /// True when the stream would now be placed elsewhere: because another replica is its first choice, or, if
    /// <paramref name="crowded"/>, also because this one holds more than its bound.
    /// </summary>
    public bool Moves(ulong key, bool crowded) => key switch
    {
        0 => false,
        AnyPlace => true,
        _ => BoundedRendezvous.Pick(key, _nodes, loadFactor) != self && (crowded || BoundedRendezvous.First(key, _nodes) != self),
    };

    /// <summary>The streams of a shard that are to end; all shards share the plan's count.</summary>
    /// <param name="connections">Those of the shard.</param>
    /// <param name="youngest">Streams opened after this, in Unix milliseconds, stay: a client that has just come is not sent on again.</param>
    public List<StreamConnection> Choose(List<StreamConnection> connections, long youngest)
    {
        var chosen = new List<StreamConnection>();
        var visits = Math.Min(connections.Count, MaxVisits);
        var start = Random.Shared.Next(Math.Max(1, connections.Count));
        foreach (var crowded in (ReadOnlySpan<bool>)[false, true])
        {
            for (var i = 0; i < visits && !IsDone; i++)
            {
                var connection = connections[(start + i) % connections.Count];

                // One that is catching up shall finish.
                if (connection is { Closing: null, IsReplaying: false } && connection.OpenedAtMilliseconds <= youngest
                    && Moves(connection.PlacementKey, crowded) && !chosen.Contains(connection) && TryTake())
                {
                    chosen.Add(connection);
                }
            }
        }

        return chosen;
    }

    private bool TryTake() => Interlocked.Decrement(ref _left) >= 0;
}
