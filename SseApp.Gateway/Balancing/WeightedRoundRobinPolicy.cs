using System.Runtime.CompilerServices;
using Yarp.ReverseProxy.LoadBalancing;

namespace SseApp.Gateway.Balancing;

/// <summary>
/// Smooth weighted round robin, as nginx does it: each turn every destination gains its weight, and the one that has
/// gained most pays for all. Weights 5, 1, 1 give a a b a c a a, not five in a row.
/// </summary>
internal sealed class WeightedRoundRobinPolicy : ILoadBalancingPolicy
{
    public const string PolicyName = "WeightedRoundRobin";

    private readonly ConditionalWeakTable<ClusterState, ConditionalWeakTable<DestinationState, StrongBox<long>>> _clusters = [];

    public string Name => PolicyName;

    public DestinationState? PickDestination(HttpContext context, ClusterState cluster, IReadOnlyList<DestinationState> availableDestinations)
    {
        var gained = _clusters.GetOrCreateValue(cluster);
        lock (gained)
        {
            DestinationState? best = null;
            StrongBox<long>? bestGain = null;
            long total = 0;
            for (var i = 0; i < availableDestinations.Count; i++)
            {
                var destination = availableDestinations[i];
                var gain = gained.GetOrCreateValue(destination);
                var weight = DestinationTraits.Of(destination).Weight;
                gain.Value += weight;
                total += weight;
                if (bestGain is null || gain.Value > bestGain.Value)
                {
                    (best, bestGain) = (destination, gain);
                }
            }

            if (bestGain is not null)
            {
                bestGain.Value -= total;
            }

            return best;
        }
    }
}
