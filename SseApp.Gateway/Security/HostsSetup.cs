using SseApp.Gateway.Clients;
using SseApp.Gateway.Telemetry;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Security;

internal static class HostsSetup
{
    /// <summary>Refuses what is asked under a name that is not the gateway's.</summary>
    public static void UseAllowedHosts(this IApplicationBuilder app)
    {
        var metrics = app.ApplicationServices.GetRequiredService<GatewayMetrics>();
        app.UseHosts(() => metrics.Refusals.Add(1, new KeyValuePair<string, object?>("reason", HostFilter.Unknown)));
    }

    /// <summary>The same for the name that a known proxy passes on (<c>X-Forwarded-Host</c>): its client chose it.</summary>
    public static void UseForwardedHosts(this IApplicationBuilder app)
    {
        if (app.ApplicationServices.GetRequiredService<IOptions<ProxiesOptions>>().Value.Known.Count > 0)
        {
            app.UseAllowedHosts();
        }
    }
}
