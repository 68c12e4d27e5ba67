using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Telemetry;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Gateway.Security;

/// <summary>
/// Answers what the <c>AuthorizationPolicy</c> of a configured route does not let in, as replicas do. The routes of the replicas have
/// none: they decide themselves.
/// </summary>
internal sealed class RouteRefusal(AccessRefusal refusal, IOptions<CrossOriginOptions> origins, GatewayMetrics metrics) : IAuthorizationMiddlewareResultHandler
{
    public Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (!authorizeResult.Succeeded && context.GetEndpoint()?.Metadata.GetMetadata<IAuthorizeData>() is null)
        {
            // It does not say what it needs. For everybody there is nothing here.
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        var caller = context.Features.Get<Caller>();
        if (!authorizeResult.Succeeded)
        {
            return RefuseAsync(context, caller?.Reason ?? AuthReason.NoCredentials, caller?.Detail ?? "Send 'Authorization: Bearer' with a token or an API key, or sign in.");
        }

        // The service does not get the cookie, so it cannot tell who has been let in by it, and from which page.
        return caller?.Source == CredentialSource.Cookie && !policy.Requirements.Any(static need => need is Need { Kind: NeedKind.Nothing }) && SessionCookie.IsForeign(context.Request, origins.Value.Origins)
            ? RefuseAsync(context, AuthReason.ForeignOrigin, SessionCookieDetail.Of(context.Request))
            : next(context);
    }

    private Task RefuseAsync(HttpContext context, string reason, string detail)
    {
        if (HttpMethods.IsGet(context.Request.Method) && ClientRequest.Of(context) is { IsStream: true, AcceptsEventStream: true })
        {
            metrics.Refused(reason);
            return AccessRefusal.WriteStreamAsync(context, reason);
        }

        return refusal.WriteAsync(context, reason, detail);
    }
}
