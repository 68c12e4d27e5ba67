using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace SseApp.ServiceDefaults.Defaults.Health;

public static class HealthExtensions
{
    /// <summary>Path of the readiness check: 200 or 503, and the state of the dependencies.</summary>
    public const string ReadinessPath = "/health";

    /// <summary>Path of the liveness check: 200 as long as the process answers.</summary>
    public const string LivenessPath = "/alive";

    internal static void AddHealth(this IHostApplicationBuilder builder)
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.TryAddSingleton<HealthResponseWriter>();
        builder.Services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IPostConfigureOptions<HealthCheckServiceOptions>, TimeLimitedHealthChecks>());
        builder.Services.AddHealthChecks()
            .AddCheck<LifetimeHealthCheck>("lifetime", tags: [HealthTags.Ready]);
    }

    internal static void MapHealth(this WebApplication app)
    {
        var writer = app.Services.GetRequiredService<HealthResponseWriter>();
        app.MapHealthChecks(LivenessPath, Tagged(HealthTags.Live)).DisableHttpMetrics();
        app.MapHealthChecks(ReadinessPath, Tagged(HealthTags.Ready)).DisableHttpMetrics();

        HealthCheckOptions Tagged(string tag) => new()
        {
            Predicate = check => check.Tags.Contains(tag),
            ResponseWriter = writer.WriteAsync,
        };
    }
}
