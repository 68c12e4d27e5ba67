using SseApp.Events.Diagnostics;
using SseApp.ServiceDefaults.Security;

namespace SseApp.Events.Security;

/// <summary>Keeps an endpoint to the machine itself.</summary>
internal sealed class LoopbackOnlyFilter : IEndpointFilter
{
    public ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        LoopbackRequests.IsDirect(context.HttpContext)
            ? next(context)
            : ValueTask.FromResult<object?>(Problems.Forbidden("This is answered only to requests made directly on the replica's own machine."));
}
