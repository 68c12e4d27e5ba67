using SseApp.ServiceDefaults.Cluster.Placement;

namespace SseApp.Tests.ServiceDefaults.Cluster.Placement;

/// <summary>Clients with one stream each on replicas, placed as a gateway does it that counts them all.</summary>
internal sealed class PlacedClients(BalanceNode[] nodes, int seed, int clients)
{
    private const double Factor = 1.25;

    private readonly BalanceNode[] _nodes = [.. nodes];
    private readonly ulong?[] _places = new ulong?[clients];

    /// <summary>The hash of the replica that a client is connected to; null for none.</summary>
    public ulong? this[int client] => _places[client];

    /// <summary>The same clients where they are, but for those whose replica is not among <paramref name="others"/>.</summary>
    public PlacedClients On(BalanceNode[] others)
    {
        var moved = new PlacedClients(others, seed, clients);
        for (var client = 0; client < clients; client++)
        {
            if (_places[client] is { } place && Array.FindIndex(moved._nodes, node => node.Hash == place) is >= 0 and var index)
            {
                moved.Put(client, index);
            }
        }

        return moved;
    }

    public void PlaceAll(int[] order)
    {
        foreach (var client in order)
        {
            Put(client, BoundedRendezvous.Pick(BoundedRendezvous.Hash($"{seed}/{client}"), _nodes, Factor));
        }
    }

    public void Leave(int client)
    {
        var index = Array.FindIndex(_nodes, node => node.Hash == _places[client]);
        _nodes[index] = _nodes[index] with { Load = _nodes[index].Load - 1 };
        _places[client] = null;
    }

    /// <summary>Nobody holds more than 1.25 times its share, rounded up; everybody is somewhere.</summary>
    public void AssertBounded()
    {
        var weights = nodes.Sum(node => node.Weight);
        Assert.Equal(clients, _nodes.Sum(node => node.Load));
        Assert.All(_nodes, node => Assert.True(
            node.Load <= Math.Ceiling(Factor * clients * node.Weight / weights),
            $"A replica of weight {node.Weight} in {weights} holds {node.Load} of {clients} streams."));
    }

    private void Put(int client, int index)
    {
        _nodes[index] = _nodes[index] with { Load = _nodes[index].Load + 1 };
        _places[client] = _nodes[index].Hash;
    }
}
