using SseApp.ServiceDefaults.Cluster.Operators;

namespace SseApp.Events.Http;

/// <summary>
/// Lets operators in: whom a gateway of this cluster has checked, and who asks directly on this machine. A POST needs the
/// gateway, which keeps out web pages that use an operator's browser; other methods a browser does not send for them unasked.
/// </summary>
internal sealed class OperatorFilter(OperatorSignature signature) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        try
        {
            if (!(LoopbackRequests.IsDirect(http) && !HttpMethods.IsPost(http.Request.Method)) && !await signature.VerifyAsync(http))
            {
                return Problems.Forbidden("Only operators may do this: ask a gateway, directly on its own machine.");
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
