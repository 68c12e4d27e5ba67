using Microsoft.AspNetCore.Http.HttpResults;
using SseApp.Gateway.Balancing;
using SseApp.Gateway.Routing;
using SseApp.Gateway.Security;
using SseApp.ServiceDefaults.Replicas;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Model;

namespace SseApp.Gateway.Admin;

internal static class ReplicaEndpoints
{
    public static void MapReplicas(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGet("/admin/replicas", List).AddEndpointFilter<LoopbackOnlyFilter>();

    private static Ok<ReplicaView[]> List(ReplicaDirectory directory, LoadLedger ledger, IProxyStateLookup proxy, HttpResponse response)
    {
        response.Headers.CacheControl = "no-store";
        var streams = ledger.Streams().ToDictionary(StringComparer.Ordinal);
        var cluster = proxy.TryGetCluster(EventsCluster.Id, out var found) ? found : null;
        return TypedResults.Ok(directory.Replicas
            .Select(replica => View(replica, streams.GetValueOrDefault(replica.Id), Health(cluster, replica.Id)))
            .ToArray());
    }

    private static ReplicaView View(ReplicaRecord replica, int streams, string health) => new(
        replica.Id,
        replica.Address,
        replica.State.ToString().ToLowerInvariant(),
        health,
        replica.Connections,
        streams,
        replica.Weight,
        replica.Backup,
        replica.WorkingSetBytes,
        replica.StartedAt,
        replica.Version);

    private static string Health(ClusterState? cluster, string id)
    {
        if (cluster is null || !cluster.Destinations.TryGetValue(id, out var destination))
        {
            return "none";
        }

        return destination.Health switch
        {
            { Active: DestinationHealth.Unhealthy } or { Passive: DestinationHealth.Unhealthy } => "unhealthy",
            { Active: DestinationHealth.Healthy } => "healthy",
            _ => "unknown",
        };
    }
}
