using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Http.Resilience;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Operators;
using SseApp.ServiceDefaults.Defaults.Admin;
using SseApp.ServiceDefaults.Defaults.Descriptors;
using SseApp.ServiceDefaults.Defaults.Health;
using SseApp.ServiceDefaults.Defaults.Http;
using SseApp.ServiceDefaults.Defaults.Lifetime;
using SseApp.ServiceDefaults.Defaults.Memory;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.ServiceDefaults;

/// <summary>
/// What every service of the cluster has: telemetry, health checks, service discovery, resilience for its outgoing HTTP
/// clients, problem details, and a heap that gives memory back. See https://aka.ms/dotnet/aspire/service-defaults.
/// </summary>
internal static class Extensions
{
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        SettingsFile.Keep(builder.Configuration);
        builder.Configuration.AddSecretFiles();
        builder.Services.AddValidatedOptions<SecretFilesOptions>(SecretFilesOptions.SectionName);
        builder.Services.AddHostedService<SettingsReload>();
        builder.AddPlatformSettings();
        builder.Services.AddConsoleLog();
        builder.ConfigureOpenTelemetry();
        builder.AddDefaultHealthChecks();

        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http =>
        {
            // A client that opens streams must not use these defaults: the handler cuts an attempt after 10 s and
            // repeats it. YARP's forwarder and SocketsHttpHandler made by hand are not touched by them.
            http.AddStandardResilienceHandler(options => options.Retry.DisableForUnsafeHttpMethods());
            http.AddServiceDiscovery();
        });

        builder.Services.AddProblemDetails(options =>
            options.CustomizeProblemDetails = problem => problem.HttpContext.Response.Headers.XContentTypeOptions = "nosniff");
        builder.Services.AddHttpServer();
        builder.Services.AddAdmin();
        builder.Services.AddSingleton<OperatorLimit>();
        builder.Services.AddSingleton<OperatorAudit>();
        builder.Services.AddHosts();
        builder.Services.AddSingleton<ServiceExit>();
        builder.AddHeapCompaction();
        builder.AddDescriptors();
        return builder;
    }

    /// <summary>Maps <c>/alive</c> and <c>/health</c>, which say one word each, in every environment: probes of a deployed service need them too.</summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        app.MapGroup("").Needs(NeedKind.Nothing).MapHealth(reasons: false);
        return app;
    }

    /// <summary>Answers operators on a listener of their own: <c>/alive</c>, <c>/health</c> with its reasons, <c>/metrics</c>, and what the service maps.</summary>
    /// <param name="app">The pipeline; what stands before this is for operators, too.</param>
    /// <param name="map">What operators of the service use.</param>
    /// <param name="open">What needs no key.</param>
    public static void UseAdmin(this IApplicationBuilder app, Action<IEndpointRouteBuilder> map, Action<IApplicationBuilder>? open = null) => app.UseAdminListener(
        admin =>
        {
            open?.Invoke(admin);
            admin.UseMiddleware<OperatorDoor>();
            admin.UseRouting();
            admin.UseMiddleware<OperatorNeeds>();
            admin.UseEndpoints(endpoints =>
            {
                endpoints.MapGroup("").Needs(NeedKind.Measure).MapHealth(reasons: true);
                endpoints.MapPrometheusScrapingEndpoint(TelemetryExtensions.MetricsPath).OnlyRead().DisableHttpMetrics().Needs(NeedKind.Measure);
                map(endpoints);
            });
        });
}
