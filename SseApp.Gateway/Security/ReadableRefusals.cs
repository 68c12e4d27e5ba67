using Microsoft.AspNetCore.Cors.Infrastructure;
using SseApp.ServiceDefaults.Defaults.Admin;

namespace SseApp.Gateway.Security;

/// <summary>
/// Lets pages of listed origins read what is refused before a route is found, and so before CORS: a URL or a head that is too large, an
/// address that may not use the gateway. To a page without that leave it is a failure of the network, after which it would try again for ever.
/// </summary>
internal static class ReadableRefusals
{
    public static void UseReadableRefusals(this IApplicationBuilder app)
    {
        var settings = app.ApplicationServices.GetRequiredService<IOptions<CrossOriginOptions>>().Value;
        if (settings.Origins.Count == 0)
        {
            return;
        }

        var policy = app.ApplicationServices.GetRequiredService<IOptions<CorsOptions>>().Value.GetPolicy(CrossOriginOptions.PolicyName)!;
        var cors = app.ApplicationServices.GetRequiredService<ICorsService>();
        app.Use((context, next) =>
        {
            if (context.Request.Headers.Origin.Count > 0 && !AdminListener.Took(context))
            {
                context.Response.OnStarting(() =>
                {
                    // What has a route has been judged by its policy.
                    if (context.Response.StatusCode is >= 400 and < 500 && context.GetEndpoint() is null && IsOurs(context.Request.Path)
                        && string.IsNullOrEmpty(context.Response.Headers.AccessControlAllowOrigin))
                    {
                        cors.ApplyResult(cors.EvaluatePolicy(context, policy), context.Response);
                    }

                    return Task.CompletedTask;
                });
            }

            return next(context);
        });
    }

    // The service's own paths; files and configured services have policies of their own.
    private static bool IsOurs(PathString path) =>
        Array.Exists((string[])["/events", "/topics", "/publish", "/whoami", "/session", "/tickets"], own => path.StartsWithSegments(own, StringComparison.OrdinalIgnoreCase));
}
