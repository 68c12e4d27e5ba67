using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Operators;

namespace SseApp.Gateway.Operators;

/// <summary>Keeps an endpoint to the machine itself.</summary>
internal sealed class LoopbackOnlyFilter : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (LoopbackRequests.IsDirect(http))
        {
            return await next(context);
        }

        return Problems.Result(http, StatusCodes.Status403Forbidden, "The operator API answers only requests made directly on the gateway's own machine.", "not-loopback");
    }
}
