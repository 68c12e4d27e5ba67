using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Events.Http;

/// <summary>
/// Lets operators in: whom a gateway of this cluster has checked, and other replicas. For everybody else there is nothing here.
/// </summary>
internal sealed class OperatorFilter : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (!SignedRequest.Is(http, RequestPurpose.Operator))
        {
            return TypedResults.NotFound();
        }

        try
        {
            return await next(context);
        }
        catch (TimeoutException)
        {
            return Problems.Busy(http, "The fan-out of this replica is too busy to answer. Ask again after the time in Retry-After.");
        }
    }
}
