using Microsoft.AspNetCore.Http.HttpResults;

namespace SseApp.Gateway.Operators;

internal static class ReplicaEndpoints
{
    public static void MapReplicas(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/admin/replicas", List).AddEndpointFilter<LoopbackOnlyFilter>();
        var commands = endpoints.MapGroup("/admin/replicas/{id}").AddEndpointFilter<LoopbackOnlyFilter>().AddEndpointFilter<CrossSiteFilter>();
        commands.MapPost("/drain", (string id, DrainCommand command, HttpContext context, bool force = false) => command.DrainAsync(context, id, force));
        commands.MapPost("/undrain", (string id, DrainCommand command, HttpContext context) => command.UndrainAsync(context, id));
    }

    private static Ok<ReplicaView[]> List(ReplicaViews views, HttpResponse response)
    {
        response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(views.All());
    }
}
