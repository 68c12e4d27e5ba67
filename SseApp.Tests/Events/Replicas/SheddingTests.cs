using SseApp.Events.FanOut;
using SseApp.Events.Replicas;
using SseApp.ServiceDefaults.Cluster.Placement;

namespace SseApp.Tests.Events.Replicas;

public sealed class SheddingTests
{
    [Theory]
    [InlineData(500, 333.3, false, 10)] // A rolling restart of three: 2 % of 500.
    [InlineData(338, 333.3, true, 0)] // Near enough.
    [InlineData(355, 333.3, true, 8)]
    [InlineData(355, 333.3, false, 0)] // Not far enough to begin.
    [InlineData(2, 1.33, false, 0)] // Two of four on three replicas: one would only change places.
    [InlineData(3, 1.33, false, 1)]
    [InlineData(1, 0, false, 1)] // A backup that is no longer needed.
    [InlineData(0, 0, false, 0)]
    public void Few_streams_end_at_a_time_and_never_more_than_are_too_many(long own, double fair, bool shedding, int count) =>
        Assert.Equal(count, Rebalancer.Count(own, fair, shedding, 0.02));

    [Fact]
    public void Replicas_that_all_end_streams_at_once_reach_their_shares_and_then_rest() =>
        Gen.Select(Gen.Int[0, 2000].Array[2, 8], Gen.Double[0.005, 0.2]).Sample(
            (loads, rate) =>
            {
                // Each acts on counts that are one step old, and the clients reconnect to the least loaded.
                var shedding = new bool[loads.Length];
                var fair = loads.Sum() / (double)loads.Length;
                for (var step = 0; step < 2000; step++)
                {
                    var counts = loads.Select((own, i) => Rebalancer.Count(own, fair, shedding[i], rate)).ToArray();
                    if (counts.All(count => count == 0))
                    {
                        break;
                    }

                    for (var i = 0; i < loads.Length; i++)
                    {
                        loads[i] -= counts[i];
                        shedding[i] = counts[i] > 0;
                    }

                    for (var returned = 0; returned < counts.Sum(); returned++)
                    {
                        loads[Array.IndexOf(loads, loads.Min())]++;
                    }
                }

                Assert.All(loads, (own, i) => Assert.Equal(0, Rebalancer.Count(own, fair, shedding[i], rate)));
                Assert.True(loads.Max() <= Math.Max(fair * 1.25, Math.Ceiling(fair)), $"{string.Join(", ", loads)}");
            },
            iter: 100);

    [Fact]
    public void A_hashed_stream_ends_only_if_its_hash_would_put_it_elsewhere()
    {
        BalanceNode[] nodes = [.. Enumerable.Range(1, 3).Select(i => new BalanceNode(BoundedRendezvous.Hash($"r{i}"), 1, i == 1 ? 120 : 90))];
        var plan = new SheddingPlan(10, nodes, self: 0, loadFactor: 1.25);
        for (var i = 0; i < 500; i++)
        {
            // 120 of 300 is under the bound of 125, so the first choice is what counts.
            var key = BoundedRendezvous.Hash($"client {i}");
            Assert.Equal(BoundedRendezvous.First(key, nodes) != 0, plan.Moves(key, crowded: true));
        }

        Assert.True(plan.Moves(SheddingPlan.AnyPlace, crowded: false));
        Assert.False(plan.Moves(0, crowded: true));
    }

    [Fact]
    public void A_replica_over_its_bound_ends_streams_of_its_own_only_if_it_must()
    {
        BalanceNode[] nodes = [new(BoundedRendezvous.Hash("r1"), 1, 200), new(BoundedRendezvous.Hash("r2"), 1, 0)];
        var plan = new SheddingPlan(10, nodes, self: 0, loadFactor: 1.25);
        var own = Enumerable.Range(0, 100).Select(i => BoundedRendezvous.Hash($"client {i}")).First(key => BoundedRendezvous.First(key, nodes) == 0);
        Assert.False(plan.Moves(own, crowded: false));
        Assert.True(plan.Moves(own, crowded: true));
    }

    [Theory]
    [InlineData("count")]
    [InlineData("00000000000000ff;1.25")]
    [InlineData("ffffffffffffffff;1")]
    public void A_placement_is_read_as_it_was_written(string text) => Assert.Equal(text, StreamPlacement.Parse(text)?.ToString());

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("zz;1.25")]
    [InlineData("ff;0.5")]
    [InlineData("ff")]
    [InlineData("ff;1;2")]
    public void What_is_no_placement_leaves_the_stream_alone(string? text) => Assert.Equal(0UL, SheddingPlan.KeyOf(StreamPlacement.Parse(text)));
}
