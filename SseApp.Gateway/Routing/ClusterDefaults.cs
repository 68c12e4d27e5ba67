using SseApp.Gateway.Balancing;
using SseApp.Gateway.Health;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Gateway.Routing;

/// <summary>
/// Gives clusters of section <c>ReverseProxy</c> what they do not say themselves: the gateway's policy, backups, and
/// <c>max_fails</c>. YARP's own defaults would leave a weight without effect and keep asking a dead server. Where everything is open,
/// routes without a policy are, too.
/// </summary>
internal sealed class ClusterDefaults(IOptions<BalancingOptions> balancing, IOptions<CredentialOptions> credentials, IHostEnvironment environment) : IProxyConfigFilter
{
    public ValueTask<ClusterConfig> ConfigureClusterAsync(ClusterConfig cluster, CancellationToken cancel)
    {
        var health = cluster.HealthCheck ?? new HealthCheckConfig();
        return ValueTask.FromResult(cluster with
        {
            LoadBalancingPolicy = cluster.LoadBalancingPolicy ?? balancing.Value.Policy,
            HealthCheck = health with
            {
                AvailableDestinationsPolicy = health.AvailableDestinationsPolicy ?? PrimaryThenBackupPolicy.PolicyName,
                Passive = health.Passive ?? new PassiveHealthCheckConfig { Enabled = true, Policy = MaxFailsHealthPolicy.PolicyName },
            },
        });
    }

    public ValueTask<RouteConfig> ConfigureRouteAsync(RouteConfig route, ClusterConfig? cluster, CancellationToken cancel) =>
        ValueTask.FromResult(string.IsNullOrWhiteSpace(route.AuthorizationPolicy) && credentials.Value.IsOpen(environment) ? route with { AuthorizationPolicy = RoutePolicyValidator.Everybody } : route);
}
