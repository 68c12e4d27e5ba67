using SseApp.Gateway.Balancing;
using SseApp.Gateway.Health;
using SseApp.Gateway.Replicas;
using Yarp.ReverseProxy;

namespace SseApp.Gateway.Operators;

/// <summary>Puts together what the registry, the health checks and this gateway's own counts say of the replicas.</summary>
internal sealed class ReplicaDashboard(
    ReplicaDirectory directory, LostReplicas lost, LoadLedger ledger, IProxyStateLookup proxy, TimeProvider time)
{
    public ReplicaView[] All()
    {
        var streams = ledger.Streams().ToDictionary(StringComparer.Ordinal);
        var cluster = proxy.TryGetCluster(ReplicaDirectory.ClusterId, out var found) ? found : null;
        var frozen = lost.Frozen;
        var frozenIds = frozen.Select(replica => replica.Id).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. directory.Replicas.Where(replica => !frozenIds.Contains(replica.Id)).Select(replica => View(
                replica, State(replica), Health(cluster, replica.Id), streams.GetValueOrDefault(replica.Id)))
                .Concat(frozen.Select(replica => View(replica, "frozen", "unhealthy", streams.GetValueOrDefault(replica.Id))))
                .OrderBy(replica => replica.Id, StringComparer.Ordinal),
        ];
    }

    public ReplicaView? Find(string id) => Array.Find(All(), replica => string.Equals(replica.Id, id, StringComparison.Ordinal));

    private ReplicaView View(ReplicaRecord replica, string state, string health, int streams) => new(
        replica.Id,
        replica.Address,
        state,
        health,
        replica.Connections,
        streams,
        replica.Weight,
        replica.Backup,
        replica.WorkingSetBytes,
        replica.StartedAt,
        Math.Max(0, (long)(time.GetUtcNow() - replica.StartedAt).TotalSeconds),
        replica.Version,
        replica.SchedulingDelayMs);

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
/// <param name="State">
/// <c>starting</c>, <c>ready</c>, <c>draining</c>, <c>drained</c> when the last stream has ended, or <c>frozen</c> when it neither
/// sends heartbeats nor answers; the rest is then as it was before.
/// </param>
/// <param name="Health"><c>healthy</c>, <c>unhealthy</c> or <c>unknown</c>, as this gateway finds; <c>none</c> while it is not routed to.</param>
/// <param name="Connections">Streams open on the replica, at its last heartbeat.</param>
/// <param name="Streams">Streams that this gateway forwards to it now.</param>
/// <param name="Weight">Share of the load relative to the others.</param>
/// <param name="Backup">Gets traffic only while no primary is available.</param>
/// <param name="WorkingSet">Bytes of resident memory.</param>
/// <param name="StartedAt">Start of its process.</param>
/// <param name="UptimeSeconds">Whole seconds since then.</param>
/// <param name="Version">Version of its assembly.</param>
/// <param name="SchedulingDelayMs">How long work that was ready waited for a thread, in milliseconds, at its last heartbeat.</param>
internal record ReplicaView(
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
    string Version,
    double SchedulingDelayMs);
