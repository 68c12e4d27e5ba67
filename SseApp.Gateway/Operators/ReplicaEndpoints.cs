using Microsoft.AspNetCore.Http.HttpResults;

namespace SseApp.Gateway.Operators;

internal static class ReplicaEndpoints
{
    public static void MapReplicas(this IEndpointRouteBuilder admin)
    {
        admin.MapGet("/replicas", List);
        admin.MapGet("/replicas/{id}", (string id, ReplicaInspection inspection, HttpContext context) => inspection.FindAsync(context, InstanceId.OfSegment(id)));
        admin.MapPost("/replicas/{id}/drain", (string id, DrainCommand command, HttpContext context, bool force = false) => command.DrainAsync(context, InstanceId.OfSegment(id), force));
        admin.MapPost("/replicas/{id}/undrain", (string id, DrainCommand command, HttpContext context) => command.UndrainAsync(context, InstanceId.OfSegment(id)));
    }

    private static Ok<ReplicaView[]> List(ReplicaDashboard dashboard) => TypedResults.Ok(dashboard.All());
}
