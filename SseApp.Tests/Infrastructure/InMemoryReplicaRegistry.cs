using System.Threading.Channels;
using StackExchange.Redis;

namespace SseApp.Tests.Infrastructure;

/// <summary>A registry without Redis and without expiry: what a test wrote stays until it is removed.</summary>
internal sealed class InMemoryReplicaRegistry : IReplicaRegistry
{
    private readonly ConcurrentDictionary<string, ReplicaRecord> _records = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Channel<ReplicaChange>, bool> _watchers = new();
    private int _reads;

    /// <summary>While true nothing can be read, as with a Redis that is unreachable.</summary>
    public bool Away { get; set; }

    /// <summary>While true reads find nothing, as with a Redis that restarted without its data.</summary>
    public bool Empty { get; set; }

    /// <summary>Reads tried so far.</summary>
    public int Reads => Volatile.Read(ref _reads);

    public int Watchers => _watchers.Count;

    public Task WriteAsync(ReplicaRecord record, bool announce, CancellationToken cancellationToken)
    {
        _records[record.Id] = record;
        if (announce)
        {
            Announce(new ReplicaChange(record.Id, record));
        }

        return Task.CompletedTask;
    }

    public Task RemoveAsync(string replicaId, CancellationToken cancellationToken)
    {
        _records.TryRemove(replicaId, out _);
        Announce(new ReplicaChange(replicaId, null));
        return Task.CompletedTask;
    }

    /// <summary>Lets a record go as its expiry would: nobody announces it.</summary>
    public void Forget(string replicaId) => _records.TryRemove(replicaId, out _);

    public Task<IReadOnlyList<ReplicaRecord>> ReadAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _reads);
        if (Away)
        {
            throw new RedisConnectionException(ConnectionFailureType.UnableToConnect, "The registry is unreachable.");
        }

        return Task.FromResult<IReadOnlyList<ReplicaRecord>>(
            Empty ? [] : [.. _records.Values.OrderBy(record => record.Id, StringComparer.Ordinal)]);
    }

    public async IAsyncEnumerable<ReplicaChange> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var channel = Channel.CreateUnbounded<ReplicaChange>();
        _watchers[channel] = true;
        try
        {
            await foreach (var change in channel.Reader.ReadAllAsync(cancellationToken))
            {
                yield return change;
            }
        }
        finally
        {
            _watchers.TryRemove(channel, out _);
        }
    }

    private void Announce(ReplicaChange change)
    {
        foreach (var watcher in _watchers.Keys)
        {
            watcher.Writer.TryWrite(change);
        }
    }
}
