using Yarp.ReverseProxy.LoadBalancing;

namespace SseApp.Gateway.Balancing;

/// <summary>
/// Weighted least connections over the whole cluster of gateways. Streams are compared with streams; other requests
/// with requests in flight, or all publishes would go to the one replica that has a stream less than the others.
/// </summary>
internal sealed class LeastConnectionsPolicy(LoadLedger ledger) : ILoadBalancingPolicy
{
    public const string PolicyName = "LeastConnections";

    private uint _next;

    public string Name => PolicyName;

    public DestinationState? PickDestination(HttpContext context, ClusterState cluster, IReadOnlyList<DestinationState> availableDestinations) =>
        availableDestinations.Count == 0
            ? null
            : ledger.PickLeast(context, cluster.ClusterId, availableDestinations, Interlocked.Increment(ref _next));
}
