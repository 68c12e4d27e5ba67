using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Http.Resilience;
using SseApp.ServiceDefaults.Defaults.Health;
using SseApp.ServiceDefaults.Defaults.Lifetime;
using SseApp.ServiceDefaults.Defaults.Memory;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.ServiceDefaults;

internal static class Extensions
{
    /// <summary>
    /// What every service of the cluster has: telemetry, health checks, problem details, service discovery, a heap that
    /// gives memory back, and resilience for its outgoing HTTP clients.
    /// </summary>
    public static IHostApplicationBuilder AddServiceDefaults(this IHostApplicationBuilder builder)
    {
        builder.AddTelemetry();
        builder.AddHealth();
        builder.AddHeapCompaction();
        builder.Services.AddProblemDetails();
        builder.Services.AddSingleton<ServiceExit>();
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http =>
        {
            // A client that opens streams must not use these defaults: the handler cuts an attempt after 10 s and
            // repeats it. YARP's forwarder and SocketsHttpHandler made by hand are not touched by them.
            http.AddStandardResilienceHandler(options => options.Retry.DisableForUnsafeHttpMethods());
            http.AddServiceDiscovery();
        });
        return builder;
    }

    /// <summary>Maps <c>/alive</c>, <c>/health</c> and <c>/metrics</c>, in every environment: probes of a deployed service need them too.</summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        app.MapHealth();
        app.MapPrometheusScrapingEndpoint(TelemetryExtensions.MetricsPath).DisableHttpMetrics();
        return app;
    }
}
