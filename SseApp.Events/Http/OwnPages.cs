using SseApp.Events.Diagnostics;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Events.Http;

internal static class OwnPages
{
    /// <summary>
    /// Keeps web pages from publishing to a replica that their browser reaches directly. What a gateway has let through comes
    /// without an Origin.
    /// </summary>
    public static void UseOwnPages(this WebApplication app)
    {
        var metrics = app.Services.GetRequiredService<EventsMetrics>();
        app.Use((context, next) =>
        {
            if (!PageOrigin.IsForeign(context.Request, []))
            {
                return next(context);
            }

            metrics.Refused(PageOrigin.Foreign);
            return Problems.Forbidden(
                "Web pages publish through a gateway, whose Cors:Origins lists them; programs send no Origin.",
                KeyValuePair.Create<string, object?>("reason", PageOrigin.Foreign)).ExecuteAsync(context);
        });
    }
}
