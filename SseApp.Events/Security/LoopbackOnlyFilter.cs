using System.Net;
using SseApp.Events.Diagnostics;

namespace SseApp.Events.Security;

/// <summary>Keeps an endpoint to the machine itself.</summary>
internal sealed class LoopbackOnlyFilter : IEndpointFilter
{
    public ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;

        // Behind a proxy on this machine everybody comes from loopback; the proxy gives itself away by its headers.
        var headers = http.Request.Headers;
        var proxied = headers.ContainsKey("X-Forwarded-For") || headers.ContainsKey("Forwarded") || headers.ContainsKey("X-Real-IP");
        return !proxied && http.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
            ? next(context)
            : ValueTask.FromResult<object?>(Problems.Forbidden("This is answered only to requests made directly on the replica's own machine."));
    }
}
