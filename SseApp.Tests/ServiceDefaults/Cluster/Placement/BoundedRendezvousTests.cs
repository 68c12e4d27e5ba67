using SseApp.ServiceDefaults.Cluster.Placement;

namespace SseApp.Tests.ServiceDefaults.Cluster.Placement;

public sealed class BoundedRendezvousTests
{
    private const int Keys = 4000;

    private static readonly Gen<(string[] Ids, int[] Weights, int Seed)> s_replicas =
        from ids in Gen.String[Gen.Char.AlphaNumeric, 1, 12].HashSet[2, 12]
        from weights in Gen.Int[1, 8].Array[ids.Count]
        from seed in Gen.Int
        select (ids.ToArray(), weights, seed);

    [Fact]
    public void Adding_or_removing_a_replica_moves_only_its_own_share() => s_replicas.Sample(
        replicas =>
        {
            // Taken away the last one, or put back: both ways are the same two states.
            var (all, weights, seed) = replicas;
            var nodes = Nodes(all, weights);
            var fewer = nodes[..^1];
            var moved = 0;
            for (var i = 0; i < Keys; i++)
            {
                var key = Key(seed, i);
                var before = BoundedRendezvous.First(key, fewer);
                var after = BoundedRendezvous.First(key, nodes);
                if (before != after)
                {
                    Assert.Equal(nodes.Length - 1, after);
                    moved++;
                }
            }

            var share = (double)nodes[^1].Weight / weights.Sum();
            Assert.InRange((double)moved / Keys, share - 0.05, share + 0.05);
        },
        iter: 40);

    [Fact]
    public void Each_replica_gets_its_weights_share() => s_replicas.Sample(
        replicas =>
        {
            var (ids, weights, seed) = replicas;
            var nodes = Nodes(ids, weights);
            var counts = new int[nodes.Length];
            for (var i = 0; i < Keys; i++)
            {
                counts[BoundedRendezvous.First(Key(seed, i), nodes)]++;
            }

            for (var i = 0; i < nodes.Length; i++)
            {
                Assert.InRange((double)counts[i] / Keys, ((double)weights[i] / weights.Sum()) - 0.05, ((double)weights[i] / weights.Sum()) + 0.05);
            }
        },
        iter: 40);

    [Fact]
    public void No_replica_takes_more_than_the_factor_times_its_share_however_few_the_clients() =>
        Gen.Select(s_replicas, Gen.Int[1, 600], Gen.Int[1, 50], Gen.Double[1.0, 2.0]).Sample(
            (replicas, streams, clients, factor) =>
            {
                var (ids, weights, seed) = replicas;
                var nodes = Nodes(ids, weights);
                for (var placed = 0; placed < streams; placed++)
                {
                    var chosen = BoundedRendezvous.Pick(Key(seed, placed % clients), nodes, factor);
                    nodes[chosen] = nodes[chosen] with { Load = nodes[chosen].Load + 1 };
                    Assert.True(
                        nodes[chosen].Load <= Math.Ceiling(factor * (placed + 1) * weights[chosen] / weights.Sum()),
                        $"Replica {chosen} of weight {weights[chosen]} in {weights.Sum()} holds {nodes[chosen].Load} of {placed + 1} streams.");
                }
            },
            iter: 60);

    [Fact]
    public void A_client_that_is_over_the_bound_gets_its_next_best_and_returns_when_there_is_room() => s_replicas.Sample(
        replicas =>
        {
            var (ids, weights, seed) = replicas;
            var nodes = Nodes(ids, weights);
            var key = Key(seed, 0);
            var first = BoundedRendezvous.First(key, nodes);
            var others = nodes.Where((_, i) => i != first).ToArray();

            // As much as all others could hold, and more: over any bound.
            nodes[first] = nodes[first] with { Load = 1000 };
            Assert.Equal(others[BoundedRendezvous.First(key, others)].Hash, nodes[BoundedRendezvous.Pick(key, nodes, 1)].Hash);
            nodes[first] = nodes[first] with { Load = 0 };
            Assert.Equal(first, BoundedRendezvous.Pick(key, nodes, 1));
        },
        iter: 200);

    [Fact]
    public void The_choice_does_not_depend_on_the_order_in_which_the_replicas_are_listed() => Gen.Select(s_replicas, Gen.Int[0, 40].Array[12]).Sample(
        (replicas, loads) =>
        {
            var (ids, weights, seed) = replicas;
            var nodes = Nodes(ids, weights).Select((node, i) => node with { Load = loads[i] }).ToArray();
            var reversed = nodes.Reverse().ToArray();
            for (var i = 0; i < 50; i++)
            {
                var key = Key(seed, i);
                Assert.Equal(nodes[BoundedRendezvous.Pick(key, nodes, 1.25)], reversed[BoundedRendezvous.Pick(key, reversed, 1.25)]);
            }
        },
        iter: 100);

    [Fact]
    public void The_hash_is_the_same_in_every_process_and_version()
    {
        // Gateways of two versions run side by side during an update; these values are what they agree on.
        Assert.Equal(9_070_525_588_069_276_017UL, BoundedRendezvous.Hash("r1"));
        BalanceNode[] nodes = Nodes(["r1", "r2", "r3"], [1, 1, 2]);
        Assert.Equal("022120", string.Concat(Enumerable.Range(0, 6).Select(i => BoundedRendezvous.First(BoundedRendezvous.Hash($"192.0.2.{i}"), nodes))));
    }

    private static BalanceNode[] Nodes(string[] ids, int[] weights) =>
        [.. ids.Select((id, i) => new BalanceNode(BoundedRendezvous.Hash(id), weights[i], 0))];

    private static ulong Key(int seed, int index) => BoundedRendezvous.Hash($"{seed}/{index}");
}
