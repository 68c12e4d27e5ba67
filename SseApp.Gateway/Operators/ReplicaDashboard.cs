using SseApp.Gateway.Balancing;
using SseApp.Gateway.Health;
using SseApp.Gateway.Replicas;
using Yarp.ReverseProxy;

namespace SseApp.Gateway.Operators;

/// <summary>Puts together what the registry, the health checks and this gateway's own counts say of the replicas.</summary>
internal sealed class ReplicaDashboard(ReplicaDirectory directory, LoadLedger ledger, IProxyStateLookup proxy, TimeProvider time)
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

/// <summary>One replica as the operator API shows it.</summary>
/// <param name="Id">Id in the registry.</param>
/// <param name="Address">Where the gateway reaches it.</param>
/// <param name="State"><c>starting</c>, <c>ready</c>, <c>draining</c>, or <c>drained</c> when the last stream has ended.</param>
/// <param name="Health"><c>healthy</c>, <c>unhealthy</c> or <c>unknown</c>, as this gateway finds; <c>none</c> while it is not routed to.</param>
/// <param name="Connections">Streams open on the replica, at its last heartbeat.</param>
/// <param name="Streams">Streams that this gateway forwards to it now.</param>
/// <param name="Weight">Share of the load relative to the others.</param>
/// <param name="Backup">Gets traffic only while no primary is available.</param>
/// <param name="WorkingSet">Bytes of resident memory.</param>
/// <param name="StartedAt">Start of its process.</param>
/// <param name="UptimeSeconds">Whole seconds since then.</param>
/// <param name="Version">Version of its assembly.</param>
internal sealed record ReplicaView(
    string Id,
    Uri Address,
    string State,
    string Health,
    int Connections,
    int Streams,
    int Weight,
    bool Backup,
    long WorkingSet,
    DateTimeOffset StartedAt,
    long UptimeSeconds,
    string Version);
