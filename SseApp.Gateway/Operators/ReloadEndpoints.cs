using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Redis;

namespace SseApp.Gateway.Operators;

internal static class ReloadEndpoints
{
    private const string Path = "/admin/reload";

    public static void MapReload(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet(Path, ReadAsync).AddEndpointFilter<LoopbackOnlyFilter>();
        endpoints.MapPost(Path, StartAsync).AddEndpointFilter<LoopbackOnlyFilter>().AddEndpointFilter<CrossSiteFilter>();
    }

    private static async Task ReadAsync(RollingReload reload, HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            if (await reload.ReadAsync(context.RequestAborted) is { } status)
            {
                await TypedResults.Json(status, ReloadJsonContext.Default.ReloadStatus).ExecuteAsync(context);
                return;
            }

            await Problems.WriteAsync(context, StatusCodes.Status404NotFound, "There was no reload in the last days; POST /admin/reload begins one.");
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            await RedisAwayAsync(context);
        }
    }

    private static async Task StartAsync(RollingReload reload, HttpContext context)
    {
        try
        {
            if (await reload.TryStartAsync("operator", context.RequestAborted) is { } status)
            {
                context.Response.Headers.Location = Path;
                await TypedResults.Json(status, ReloadJsonContext.Default.ReloadStatus, statusCode: StatusCodes.Status202Accepted).ExecuteAsync(context);
                return;
            }

            await Problems.WriteAsync(
                context,
                StatusCodes.Status409Conflict,
                "A reload is under way, or a replica is just leaving because of its memory. GET /admin/reload shows the reload; try again when it is over.",
                "reload-running");
        }
        catch (ReloadFailedException exception)
        {
            await Problems.WriteAsync(context, StatusCodes.Status409Conflict, exception.Message, "no-replica");
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            await RedisAwayAsync(context);
        }
    }

    private static Task RedisAwayAsync(HttpContext context) => Problems.WriteAsync(
        context, StatusCodes.Status503ServiceUnavailable, "Redis, through which gateways agree on a reload, does not answer. Try again when it is back.", "redis");
}
