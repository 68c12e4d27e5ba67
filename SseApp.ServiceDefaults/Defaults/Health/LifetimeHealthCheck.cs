using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace SseApp.ServiceDefaults.Defaults.Health;

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
