using System.Collections;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>An endpoint's addresses by network.</summary>
public class NetworkEndpointSnapshotList : IEnumerable<NetworkEndpointSnapshot>
{
    private readonly ConcurrentDictionary<NetworkIdentifier, ValueSnapshot<AllocatedEndpoint>> _snapshots = new();

    /// <summary>Sets the address in one network; whoever waits for it continues.</summary>
    public void AddOrUpdateAllocatedEndpoint(NetworkIdentifier networkId, AllocatedEndpoint endpoint)
        => GetSnapshot(networkId).SetValue(endpoint);

    /// <summary>Waits until the endpoint has an address in the network.</summary>
    public Task<AllocatedEndpoint> GetAllocatedEndpointAsync(NetworkIdentifier networkId, CancellationToken cancellationToken = default)
        => GetSnapshot(networkId).GetValueAsync(cancellationToken);

    public bool TryAdd(NetworkIdentifier networkId, ValueSnapshot<AllocatedEndpoint> snapshot)
        => _snapshots.TryAdd(networkId, snapshot);

    public IEnumerator<NetworkEndpointSnapshot> GetEnumerator()
        => _snapshots.Select(pair => new NetworkEndpointSnapshot(pair.Value, pair.Key)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal ValueSnapshot<AllocatedEndpoint> GetSnapshot(NetworkIdentifier networkId)
        => _snapshots.GetOrAdd(networkId, static _ => new ValueSnapshot<AllocatedEndpoint>());

    internal bool TryGetAllocatedEndpoint(NetworkIdentifier networkId, [NotNullWhen(true)] out AllocatedEndpoint? endpoint)
    {
        var task = GetSnapshot(networkId).GetValueAsync();
        endpoint = task.IsCompletedSuccessfully ? task.Result : null;
        return endpoint is not null;
    }
}
