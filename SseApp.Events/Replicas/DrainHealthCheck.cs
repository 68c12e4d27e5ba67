using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace SseApp.Events.Replicas;

internal sealed class DrainHealthCheck(DrainState drain) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(drain.IsDraining
            ? HealthCheckResult.Unhealthy("The replica is draining: it ends its streams and takes no new ones.")
            : HealthCheckResult.Healthy());
}
