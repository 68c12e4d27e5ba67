namespace SseApp.Tests.Gateway.Balancing;

public sealed class WeightedRoundRobinTests
{
    [Fact]
    public void Weights_five_one_one_come_in_nginxs_order()
    {
        var destinations = Destinations.Of(("a", 5), ("b", 1), ("c", 1));
        Assert.Equal("aabacaa", string.Concat(Pick(new WeightedRoundRobinPolicy(), destinations, 7)));
    }

    [Fact]
    public void Every_round_gives_each_destination_exactly_its_weight_and_never_falls_behind_by_more_than_a_turn() =>
        Gen.Int[1, 9].Array[1, 6].Sample(
            weights =>
            {
                var destinations = Destinations.Of([.. weights.Select((weight, i) => (Name(i), weight))]);
                var total = weights.Sum();
                var picks = Pick(new WeightedRoundRobinPolicy(), destinations, total * 3);
                for (var round = 0; round < 3; round++)
                {
                    for (var i = 0; i < weights.Length; i++)
                    {
                        Assert.Equal(weights[i], picks.Skip(round * total).Take(total).Count(id => string.Equals(id, Name(i), StringComparison.Ordinal)));
                    }
                }

                for (var taken = 1; taken <= picks.Count; taken++)
                {
                    for (var i = 0; i < weights.Length; i++)
                    {
                        // Smooth: at every moment each has had its share, give or take less than one turn of everybody.
                        var had = picks.Take(taken).Count(id => string.Equals(id, Name(i), StringComparison.Ordinal));
                        Assert.InRange(had - ((double)taken * weights[i] / total), -weights.Length, weights.Length);
                    }
                }
            },
            iter: 100);

    [Fact]
    public void A_destination_that_is_out_for_a_while_does_not_get_all_it_missed_in_a_row()
    {
        var policy = new WeightedRoundRobinPolicy();
        var destinations = Destinations.Of(("a", 1), ("b", 1));
        var cluster = new ClusterState("shop");
        for (var i = 0; i < 100; i++)
        {
            policy.PickDestination(new DefaultHttpContext(), cluster, [destinations[0]]);
        }

        var after = Enumerable.Range(0, 4).Select(_ => policy.PickDestination(new DefaultHttpContext(), cluster, destinations)!.DestinationId);
        Assert.Equal(2, after.Count(id => string.Equals(id, "b", StringComparison.Ordinal)));
    }

    private static List<string> Pick(WeightedRoundRobinPolicy policy, DestinationState[] destinations, int count)
    {
        var cluster = new ClusterState("shop");
        return [.. Enumerable.Range(0, count).Select(_ => policy.PickDestination(new DefaultHttpContext(), cluster, destinations)!.DestinationId)];
    }

    private static string Name(int index) => ((char)('a' + index)).ToString();
}
