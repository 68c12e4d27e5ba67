namespace SseApp.Gateway.Operators;

internal static class OperatorExtensions
{
    public static void AddOperator(this IServiceCollection services) => services.AddSingleton<ReplicaClient>();

    /// <summary>Maps alerts, topics and streams below <c>/admin</c>.</summary>
    public static void MapOperator(this IEndpointRouteBuilder endpoints)
    {
        var admin = endpoints.MapGroup("/admin")
            .AddEndpointFilter<LoopbackOnlyFilter>()
            .AddEndpointFilter<CrossSiteFilter>()
            .AddEndpointFilter(async (context, next) =>
            {
                context.HttpContext.Response.Headers.CacheControl = "no-store";
                try
                {
                    return await next(context);
                }
                catch (BadHttpRequestException exception)
                {
                    return StreamEndpoints.BadRequest(exception.Message);
                }
            });
        admin.MapAlerts();
        admin.MapStreams();
    }
}
