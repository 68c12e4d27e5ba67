using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using Yarp.ReverseProxy.LoadBalancing;

namespace SseApp.Gateway.Balancing;

/// <summary>
/// Weighted rendezvous hashing of the client with a bounded load: a client returns to the replica that it had, and
/// one address with a thousand clients behind it does not overload one replica.
/// </summary>
internal sealed class IpHashPolicy(LoadLedger ledger, IOptions<BalancingOptions> options) : ILoadBalancingPolicy
{
    public const string PolicyName = "IpHash";

    // Not before the first request: the check of the options at start asks the policies for their names.
    private readonly Lazy<HashKey> _key = new(() => HashKey.TryParse(options.Value.HashKey)!);
    private uint _next;

    public string Name => PolicyName;

    public DestinationState? PickDestination(HttpContext context, ClusterState cluster, IReadOnlyList<DestinationState> availableDestinations)
    {
        if (availableDestinations.Count == 0)
        {
            return null;
        }

        if (ClientRequest.Of(context).IsStream)
        {
            return ledger.PickByHash(context, cluster.ClusterId, availableDestinations, _key.Value.Of(context), options.Value.LoadFactor);
        }

        // A replica keeps nothing for a client that publishes, and one busy publisher must not have one replica do all
        // the work. Another service may well keep something, and in-flight requests are too few to say who is full.
        return string.Equals(cluster.ClusterId, ReplicaDirectory.ClusterId, StringComparison.Ordinal)
            ? ledger.PickLeast(context, cluster.ClusterId, availableDestinations, Interlocked.Increment(ref _next))
            : ledger.PickByHash(context, cluster.ClusterId, availableDestinations, _key.Value.Of(context), double.PositiveInfinity);
    }
}
