using System.Net;
using SseApp.Gateway.Forwarding;

namespace SseApp.Gateway.Security;

/// <summary>Keeps an endpoint to the machine itself.</summary>
internal sealed class LoopbackOnlyFilter : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;

        // Behind a proxy on this machine everybody comes from loopback; the proxy gives itself away by its headers.
        var headers = http.Request.Headers;
        var proxied = headers.ContainsKey("X-Forwarded-For") || headers.ContainsKey("Forwarded") || headers.ContainsKey("X-Real-IP");
        if (!proxied && http.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address))
        {
            return await next(context);
        }

        await Problems.WriteAsync(
            http, StatusCodes.Status403Forbidden, "The operator API answers only requests made directly on the gateway's own machine.", "not-loopback");
        return Results.Empty;
    }
}
