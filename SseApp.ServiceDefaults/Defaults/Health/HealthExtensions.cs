using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Routing;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.ServiceDefaults.Defaults.Health;

internal static class HealthExtensions
{
    /// <summary>Path of the readiness check: 200 or 503; for operators also the state of the dependencies.</summary>
    public const string ReadinessPath = "/health";

    /// <summary>Path of the liveness check: 200 as long as the process answers.</summary>
    public const string LivenessPath = "/alive";

    internal static void AddDefaultHealthChecks(this IHostApplicationBuilder builder)
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.TryAddSingleton<HealthResponseWriter>();
        builder.Services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IPostConfigureOptions<HealthCheckServiceOptions>, TimeLimitedHealthChecks>());
        builder.Services.AddHealthChecks()
            .AddCheck<LifetimeHealthCheck>("lifetime", tags: [HealthTags.Ready]);
    }

    /// <param name="app">Where it is answered.</param>
    /// <param name="reasons">Say why, and what the process uses; without it the status is all that is said.</param>
    internal static void MapHealth(this IEndpointRouteBuilder app, bool reasons)
    {
        var writer = app.ServiceProvider.GetRequiredService<HealthResponseWriter>();
        app.MapHealthChecks(LivenessPath, Tagged(HealthTags.Live)).OnlyRead().DisableHttpMetrics();
        app.MapHealthChecks(ReadinessPath, Tagged(HealthTags.Ready)).OnlyRead().DisableHttpMetrics();

        HealthCheckOptions Tagged(string tag) => new()
        {
            Predicate = check => check.Tags.Contains(tag),
            ResponseWriter = (context, report) => writer.WriteAsync(context, report, reasons),
        };
    }
}

/// <summary>Tags that decide which endpoint a health check counts for.</summary>
internal static class HealthTags
{
    /// <summary>Counts for <c>/alive</c>: unhealthy means that only a restart helps.</summary>
    public const string Live = "live";

    /// <summary>Counts for <c>/health</c>: unhealthy means that the service must get no new requests now.</summary>
    public const string Ready = "ready";

    /// <summary>A system that the service depends on: listed under <c>dependencies</c> with its latency.</summary>
    public const string Dependency = "dependency";
}

/// <summary>Not ready before the host has started nor after it began to stop.</summary>
internal sealed class LifetimeHealthCheck(IHostApplicationLifetime lifetime) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(this switch
        {
            _ when lifetime.ApplicationStopping.IsCancellationRequested => HealthCheckResult.Unhealthy("The service is stopping."),
            _ when !lifetime.ApplicationStarted.IsCancellationRequested => HealthCheckResult.Unhealthy("The service is starting."),
            _ => HealthCheckResult.Healthy(),
        });
}
