using Microsoft.AspNetCore.Http.HttpResults;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Operators;

internal static class ReloadEndpoints
{
    public static void MapReload(this IEndpointRouteBuilder admin)
    {
        admin.MapGet("/reload", ReadAsync);
        admin.MapPost("/reload", StartAsync);
    }

    private static async Task<Results<JsonHttpResult<ReloadStatus>, ProblemHttpResult>> ReadAsync(RollingReload reload, HttpContext context) =>
        await reload.ReadAsync(context.RequestAborted) is { } status
            ? TypedResults.Json(status, ReloadJsonContext.Default.ReloadStatus)
            : Problems.Result(context, StatusCodes.Status404NotFound, "There was no reload in the last days; POST /admin/reload begins one.");

    private static async Task<Results<JsonHttpResult<ReloadStatus>, ProblemHttpResult>> StartAsync(RollingReload reload, HttpContext context)
    {
        try
        {
            if (await reload.TryStartAsync("operator", context.RequestAborted) is { } status)
            {
                context.Response.Headers.Location = "/admin/reload";
                return TypedResults.Json(status, ReloadJsonContext.Default.ReloadStatus, statusCode: StatusCodes.Status202Accepted);
            }

            return Problems.Result(
                context,
                StatusCodes.Status409Conflict,
                "A reload is under way, or a replica is leaving because of its memory. GET /admin/reload shows the reload; try again when it has ended.",
                "reload-running");
        }
        catch (ReloadFailedException exception)
        {
            return Problems.Result(context, StatusCodes.Status409Conflict, exception.Message, "no-replica");
        }
    }
}
