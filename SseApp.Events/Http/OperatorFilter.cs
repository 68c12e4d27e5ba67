using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Admin;

namespace SseApp.Events.Http;

/// <summary>
/// Lets operators in: whom a gateway of this cluster has checked, who has the key of this replica, and other replicas. To
/// everybody else there is nothing here.
/// </summary>
internal sealed class OperatorFilter : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (!AdminListener.Took(http) && !SignedRequest.Is(http, RequestPurpose.Operator))
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
