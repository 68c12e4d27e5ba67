using SseApp.Events.Diagnostics;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Events.Http;

internal static class OwnPages
{
    /// <summary>
    /// Keeps web pages from publishing to a replica that their browser reaches directly, and those of other origins from using the cookie
    /// that it has for this one. What a gateway has let through comes without an Origin.
    /// </summary>
    public static void UseOwnPages(this WebApplication app)
    {
        var metrics = app.Services.GetRequiredService<EventsMetrics>();
        var access = app.Services.GetRequiredService<AccessRefusal>();
        app.Use((context, next) =>
        {
            var foreign = PageOrigin.IsForeign(context.Request, []);
            // What a gateway sends has been looked at there.
            if (!foreign && (context.Features.Get<SignedRequest>() is not null || !SessionCookie.IsForeign(context.Request, [])))
            {
                return next(context);
            }

            if (!PageOrigin.MayChange(context.Request.Method))
            {
                return access.WriteAsync(context, AuthReason.ForeignOrigin, "A page of another origin has sent the cookie. Pages of other origins come through a gateway, whose Cors:Origins lists them.");
            }

            metrics.Refused(PageOrigin.Foreign);
            return Problems.Forbidden(
                foreign
                    ? "Web pages publish through a gateway, whose Cors:Origins lists them; programs send no Origin."
                    : SessionCookie.NeedsOrigin,
                KeyValuePair.Create<string, object?>("reason", PageOrigin.Foreign)).ExecuteAsync(context);
        });
    }
}
