using SseApp.Gateway.Replicas;
using Yarp.ReverseProxy;

namespace SseApp.Gateway.Health;

/// <summary>
/// Which replicas this gateway finds healthy. Those that balancing chooses from say less: when nobody is healthy it chooses
/// from all, and while a primary is healthy it leaves the backups out.
/// </summary>
internal static class ReadyReplicas
{
    public static int CountReadyReplicas(this IProxyStateLookup proxy) =>
        proxy.TryGetCluster(ReplicaDirectory.ClusterId, out var cluster) ? cluster.Destinations.Values.Count(IsHealthy) : 0;

    /// <summary>False while it fails its checks, and while it is avoided because of requests that it failed.</summary>
    public static bool IsHealthy(DestinationState destination) =>
        destination.Health is not ({ Active: DestinationHealth.Unhealthy } or { Passive: DestinationHealth.Unhealthy });
}
