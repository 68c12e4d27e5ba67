using Microsoft.Extensions.Diagnostics.HealthChecks;
using SseApp.Gateway.Alerts;
using SseApp.Gateway.Alerts.Rules;
using SseApp.Gateway.Routing;
using Yarp.ReverseProxy;

namespace SseApp.Gateway.Health;

/// <summary>A gateway is ready when at least one replica can take a request, and degraded while one of them cannot or was lost.</summary>
internal sealed class ReplicasHealthCheck(ReplicaDirectory directory, IProxyStateLookup proxy, AlertEngine alerts) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var available = proxy.TryGetCluster(EventsCluster.Id, out var cluster) ? cluster.DestinationsState.AvailableDestinations.Count : 0;
        var known = directory.Replicas.Count;
        var lost = alerts.Book.Active.Count(alert => alert.IsFiring && alert.Rule == ReplicaLostRule.Name);
        return Task.FromResult((available, known) switch
        {
            (0, 0) => HealthCheckResult.Unhealthy("No replica is registered; check that the events service runs and uses the same Redis."),
            (0, _) => HealthCheckResult.Unhealthy($"None of the {known} registered replicas takes requests; check their /health."),
            _ when available < known || lost > 0 => HealthCheckResult.Degraded(
                $"{available} of {known} replicas take requests; {lost} more {(lost == 1 ? "was" : "were")} lost. GET /admin/replicas and /admin/alerts say more."),
            _ => HealthCheckResult.Healthy($"{available} of {known} replicas take requests."),
        });
    }
}
