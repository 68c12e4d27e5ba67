using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Cors.Infrastructure;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Telemetry;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Gateway.Security;

internal static class SecurityExtensions
{
    /// <summary>Adds the address lists, pages of other origins (CORS), and configured response headers.</summary>
    public static void AddSecurity(this IServiceCollection services)
    {
        services.AddValidatedOptions<AccessOptions>(AccessOptions.SectionName);
        services.AddSingleton<AccessRules>();
        services.AddValidatedOptions<CrossOriginOptions>(CrossOriginOptions.SectionName);
        services.AddCors();
        services.AddSingleton<IConfigureOptions<CorsOptions>, CrossOriginSetup>();
        services.AddValidatedOptions<ResponseHeadersOptions>(ResponseHeadersOptions.SectionName);
        services.AddCredentials();
        services.AddAccessRefusal<GatewayMetrics>();
        // "default" of a route is any valid credential.
        services.AddAuthorization(static options => options.DenyByDefault());
        services.AddSingleton<IAuthorizationHandler, NeedHandler>();
        services.AddSingleton<IPolicyEvaluator, CallerEvaluator>();
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, RouteRefusal>();
    }

    /// <summary>
    /// Finds out who sent a request. The replica decides what it may; here it is what limits are counted by. A credential that is not
    /// valid counts for nobody, so its sender is the address that it comes from.
    /// </summary>
    public static void UsePrincipals(this IApplicationBuilder app)
    {
        var credentials = app.ApplicationServices.GetRequiredService<CredentialService>();
        app.Use((context, next) =>
        {
            var finding = CredentialHandler.FindAsync(context.Request, credentials);
            // Nothing is kept for as long as a stream.
            return finding.IsCompletedSuccessfully ? CountAsync(finding.Result, context, next) : FindAndCountAsync(finding, context, next);
        });
    }

    private static async Task FindAndCountAsync(ValueTask<Caller> finding, HttpContext context, RequestDelegate next) => await CountAsync(await finding, context, next);

    private static Task CountAsync(Caller caller, HttpContext context, RequestDelegate next)
    {
        context.Features.Set(caller);
        // An address that configuration names has a budget of its own, whomever it speaks for.
        if (caller.Principal is { Key: { Length: > 0 } key } && ClientRequest.Of(context) is var request && request.Account == request.Client)
        {
            request.Account = ClientKey.OfCredential(key);
        }

        return next(context);
    }

    /// <summary>
    /// Refuses what does not say what it needs, and whom the need of a configured route keeps out. What everybody may is not asked about:
    /// all that goes to replicas, which decide themselves, would pay for a scope of services.
    /// </summary>
    public static void UseNeeds(this WebApplication app)
    {
        app.UseWhen(static context => !IsOpen(context.GetEndpoint()), static asked => asked.UseAuthorization());
        // Else the platform, which does not see the one in the branch, puts another one in front of everything.
        ((IApplicationBuilder)app).Properties["__AuthorizationMiddlewareSet"] = true;
    }

    // What is no route is a file, or not there, or there for another method.
    private static bool IsOpen(Endpoint? endpoint) => endpoint is not RouteEndpoint
        || (endpoint.Metadata.GetMetadata<IAuthorizeData>() is null
            && (endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null || endpoint.Metadata.GetMetadata<Need>() is { Kind: NeedKind.Nothing }));

    /// <summary>Headers of every response. Outside all that answers.</summary>
    public static void UseResponseHeaders(this IApplicationBuilder app) => app.UseMiddleware<ResponseHeadersMiddleware>();
}
