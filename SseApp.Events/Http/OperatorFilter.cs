using SseApp.ServiceDefaults.Cluster.Operators;
using SseApp.ServiceDefaults.Defaults.Admin;

namespace SseApp.Events.Http;

/// <summary>Lets operators in: whom a gateway of this cluster has checked, and who has the key of this replica. To others there is nothing here.</summary>
internal sealed class OperatorFilter(OperatorSignature signature) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        try
        {
            if (!AdminListener.Took(http) && !await signature.VerifyAsync(http))
            {
                return TypedResults.NotFound();
            }
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return Problems.RedisUnavailable(http, "Whether an operator asks cannot be checked. Ask again after the time in Retry-After.");
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
