using SseApp.Gateway.Clients;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Telemetry;

namespace SseApp.Gateway.Security;

/// <summary>Answers 403 to clients that section <c>Access</c> keeps out. Trying again cannot help them, so it is 403 for streams too.</summary>
internal sealed class AccessMiddleware(RequestDelegate next, AccessRules rules, GatewayMetrics metrics)
{
    private const string Reason = "address-denied";

    public Task InvokeAsync(HttpContext context)
    {
        if (rules.Allows(context.Connection.RemoteIpAddress) || LocalProbes.IsProbe(context))
        {
            return next(context);
        }

        metrics.Refusals.Add(1, new KeyValuePair<string, object?>("reason", Reason));
        return Problems.WriteAsync(
            context,
            StatusCodes.Status403Forbidden,
            $"The address {context.Connection.RemoteIpAddress} may not use this gateway ({AccessOptions.SectionName}:{nameof(AccessOptions.Allow)}, {nameof(AccessOptions.Deny)}).",
            Reason);
    }
}
