using Microsoft.Extensions.Diagnostics.HealthChecks;
using SseApp.Gateway.Alerts;
using SseApp.Gateway.Alerts.Rules;
using SseApp.Gateway.Health;
using SseApp.Gateway.Replicas;
using Yarp.ReverseProxy;

namespace SseApp.Gateway.Operators;

/// <summary>
/// A gateway is ready when at least one replica is, and degraded while one of them is not or was lost. While Redis is
/// unavailable no replica is ready, but the gateway holds their streams, and asks clients to reconnect in a way that does not
/// close an EventSource for ever; a load balancer without any gateway left would answer 503.
/// </summary>
internal sealed class ReplicasHealthCheck(ReplicaDirectory directory, IProxyStateLookup proxy, AlertEngine alerts) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var ready = proxy.CountReadyReplicas();
        var known = directory.Replicas.Count;
        var lost = alerts.Book.Active.Count(alert => alert.IsFiring && alert.Rule == ReplicaLostRule.Name);
        return Task.FromResult((ready, known) switch
        {
            (0, 0) => HealthCheckResult.Unhealthy("No replica is registered; check that the events service runs and uses the same Redis."),
            (0, _) when directory.IsRegistryUnsettled => HealthCheckResult.Degraded(
                $"None of the {known} known replicas is ready, as Redis is unavailable or has just returned; open streams stay."),
            (0, _) => HealthCheckResult.Unhealthy($"None of the {known} registered replicas is ready; check their /health."),
            _ when directory.Shared() is [var shared, ..] => HealthCheckResult.Degraded($"{ready} of {known} replicas are ready. {shared}"),
            _ when ready < known || lost > 0 => HealthCheckResult.Degraded(
                $"{ready} of {known} replicas are ready; {lost} more {(lost == 1 ? "was" : "were")} lost. GET /admin/replicas and /admin/alerts say more."),
            _ => HealthCheckResult.Healthy($"{ready} of {known} replicas are ready."),
        });
    }
}
