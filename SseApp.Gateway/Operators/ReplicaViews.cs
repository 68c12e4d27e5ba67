using SseApp.Gateway.Balancing;
using SseApp.Gateway.Health;
using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Cluster.Replicas;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Model;

namespace SseApp.Gateway.Operators;

/// <summary>Puts together what the registry, the health checks and this gateway's own counts say of the replicas.</summary>
internal sealed class ReplicaViews(ReplicaDirectory directory, LoadLedger ledger, IProxyStateLookup proxy, TimeProvider time)
{
    public ReplicaView[] All()
    {
        var streams = ledger.Streams().ToDictionary(StringComparer.Ordinal);
        var cluster = proxy.TryGetCluster(ReplicaDirectory.ClusterId, out var found) ? found : null;
        return [.. directory.Replicas.Select(replica => View(replica, streams.GetValueOrDefault(replica.Id), Health(cluster, replica.Id)))];
    }

    public ReplicaView? Find(string id) => Array.Find(All(), replica => string.Equals(replica.Id, id, StringComparison.Ordinal));

    private ReplicaView View(ReplicaRecord replica, int streams, string health) => new(
        replica.Id,
        replica.Address,
        State(replica),
        health,
        replica.Connections,
        streams,
        replica.Weight,
        replica.Backup,
        replica.WorkingSetBytes,
        replica.StartedAt,
        Math.Max(0, (long)(time.GetUtcNow() - replica.StartedAt).TotalSeconds),
        replica.Version);

    private static string State(ReplicaRecord replica) => replica is { State: ReplicaState.Draining, Connections: 0 }
        ? "drained"
        : replica.State.ToString().ToLowerInvariant();

    private static string Health(ClusterState? cluster, string id)
    {
        if (cluster is null || !cluster.Destinations.TryGetValue(id, out var destination))
        {
            return "none";
        }

        return destination switch
        {
            _ when !ReadyReplicas.IsHealthy(destination) => "unhealthy",
            { Health.Active: DestinationHealth.Healthy } => "healthy",
            _ => "unknown",
        };
    }
}
