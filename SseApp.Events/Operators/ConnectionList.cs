using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.Events.Replicas;
using SseApp.ServiceDefaults.Cluster.Operators;

namespace SseApp.Events.Operators;

/// <summary>Looks at the open streams and ends some, those of canaries apart. Only a shard's own loop may touch its streams, so each is asked in its turn.</summary>
internal sealed class ConnectionList(ShardSet shards, ReplicaIdentity replica, TimeProvider time)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(2);

    /// <exception cref="TimeoutException">A fan-out loop is too busy to answer.</exception>
    public async Task<ConnectionDetails[]> FindAsync(ConnectionQuery query, CancellationToken cancellationToken)
    {
        var found = await Task.WhenAll(shards.All.Select(shard => shard.InspectAsync(connections => Select(connections, query))))
            .WaitAsync(s_limit, time, cancellationToken);
        return [.. found.SelectMany(connections => connections).OrderBy(connection => connection.Id, StringComparer.Ordinal).Take(query.Limit)];
    }

    /// <summary>Begins to end every stream that fits; each gets the time of its reconnection, or the word not to reconnect.</summary>
    /// <returns>How many.</returns>
    /// <exception cref="TimeoutException">A fan-out loop is too busy to answer; it ends its streams when it comes to it.</exception>
    public Task<int> DisconnectAsync(Predicate<StreamConnection> fits, bool permanent, CancellationToken cancellationToken) =>
        shards.EndAsync(connection => !connection.Topics.IsCanary && fits(connection), permanent ? CloseReason.OperatorForGood : CloseReason.Operator).WaitAsync(s_limit, time, cancellationToken);

    // The smallest ids without sorting all: a loop that looks at its streams writes to none.
    private List<ConnectionDetails> Select(IReadOnlyList<StreamConnection> connections, ConnectionQuery query)
    {
        var smallest = new PriorityQueue<StreamConnection, ulong>(query.Limit + 1, Comparer<ulong>.Create(static (a, b) => b.CompareTo(a)));
        foreach (var connection in connections)
        {
            if (connection.Closing is not null
                || connection.Topics.IsCanary
                || connection.Id <= query.After
                || (query.Topic is not null && !connection.IsSubscribedTo(query.Topic)))
            {
                continue;
            }

            smallest.Enqueue(connection, connection.Id);
            if (smallest.Count > query.Limit)
            {
                smallest.Dequeue();
            }
        }

        return [.. smallest.UnorderedItems.Select(item => Describe(item.Element))];
    }

    private ConnectionDetails Describe(StreamConnection connection) => new(
        connection.Id.ToString("x16", CultureInfo.InvariantCulture),
        replica.Id,
        connection.Client?.ToString(),
        connection.Topics.Names,
        DateTimeOffset.FromUnixTimeMilliseconds(connection.OpenedAtMilliseconds),
        connection.Backlog?.Bytes ?? 0);
}

/// <summary>Which streams an operator means.</summary>
/// <param name="Topic">Subscribed to this topic; null for any.</param>
/// <param name="After">Ids greater than this one.</param>
/// <param name="Limit">So many at most, those with the smallest ids.</param>
internal sealed record ConnectionQuery(string? Topic, ulong? After, int Limit);
