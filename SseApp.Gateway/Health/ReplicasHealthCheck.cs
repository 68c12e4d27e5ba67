using Microsoft.Extensions.Diagnostics.HealthChecks;
using SseApp.Gateway.Routing;
using Yarp.ReverseProxy;

namespace SseApp.Gateway.Health;

/// <summary>A gateway is ready when at least one replica can take a request.</summary>
internal sealed class ReplicasHealthCheck(ReplicaDirectory directory, IProxyStateLookup proxy) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var available = proxy.TryGetCluster(EventsCluster.Id, out var cluster) ? cluster.DestinationsState.AvailableDestinations.Count : 0;
        var known = directory.Replicas.Count;
        return Task.FromResult(available > 0
            ? HealthCheckResult.Healthy($"{available} of {known} replicas take requests.")
            : HealthCheckResult.Unhealthy(
                known == 0
                    ? "No replica is registered; check that the events service runs and uses the same Redis."
                    : $"None of the {known} registered replicas takes requests; check their /health."));
    }
}
