using SseApp.Gateway.Replicas;

namespace SseApp.Tests.Gateway.Balancing;

public sealed class LoadLedgerTests : IDisposable
{
    private readonly ReplicaDirectory _directory = new(Options.Create(new ReplicaRegistryOptions()), TimeProvider.System);
    private readonly DestinationState[] _destinations = Destinations.Of(("r1", 1), ("r2", 1));
    private readonly LoadLedger _ledger;

    public LoadLedgerTests() => _ledger = new LoadLedger(_directory);

    public void Dispose() => _ledger.Dispose();

    [Fact]
    public void A_heartbeat_that_is_read_twice_leaves_other_gateways_streams_counted()
    {
        Read(r1: 6, r2: 0);
        Assert.Equal((5, 11), Pick(16));

        // The registry is read more often than each replica writes itself into it.
        Read(r1: 6, r2: 0);

        Assert.Equal((2, 2), Pick(4));
    }

    [Fact]
    public void Streams_of_other_gateways_that_ended_are_no_longer_counted_after_the_next_heartbeat()
    {
        Read(r1: 6, r2: 0);
        Assert.Equal((5, 11), Pick(16));

        // All of this gateway's are in the reports now; of the six of the other one two are left.
        Read(r1: 7, r2: 11);

        Assert.Equal((4, 0), Pick(4));
    }

    private void Read(int r1, int r2)
    {
        ReplicaRecord[] records = [Record("r1", r1), Record("r2", r2)];
        Assert.True(_directory.TryReplace(records, _directory.Announcements));
    }

    private (int First, int Second) Pick(int streams)
    {
        var chosen = Enumerable.Range(0, streams)
            .Select(i => _ledger.PickLeast(Destinations.StreamRequest(), ReplicaDirectory.ClusterId, _destinations, start: 0).DestinationId)
            .ToArray();
        return (chosen.Count(id => id == "r1"), chosen.Count(id => id == "r2"));
    }

    private static ReplicaRecord Record(string id, int connections) =>
        new() { Id = id, Address = new Uri("http://192.0.2.1"), State = ReplicaState.Ready, Connections = connections };
}
