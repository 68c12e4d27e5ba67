using SseApp.Gateway.Balancing;
using SseApp.Gateway.Health;
using SseApp.Gateway.Replicas;
using SseApp.Gateway.Security;
using Yarp.ReverseProxy.Health;

namespace SseApp.Gateway.Routing;

/// <summary>The cluster of Events replicas and its routes, as YARP wants them.</summary>
internal sealed class EventsCluster(
    IOptions<UpstreamOptions> upstream, IOptions<BalancingOptions> balancing, IOptions<ReplicaHealthOptions> health, IOptions<MatchOptions> match)
{
    public IReadOnlyList<RouteConfig> Routes { get; } =
    [
        Route("stream", EventStreams.Path, match.Value) with { TimeoutPolicy = "Disable" },
        Route("position", EventStreams.Path + "/position", match.Value),
        Route("now", EventStreams.PositionPath, match.Value),
        Route("topics", "/topics/{**rest}", match.Value),
        Route("publish", "/publish", match.Value),
        Route("whoami", "/whoami", match.Value),
        Route("session", "/session", match.Value) with { CorsPolicy = CrossOriginOptions.SessionPolicyName },
        Route("tickets", "/tickets", match.Value),
    ];

    /// <summary>One destination a replica; those that are not ready are left out.</summary>
    public ClusterConfig Build(IEnumerable<ReplicaRecord> replicas) => new()
    {
        ClusterId = ReplicaDirectory.ClusterId,
        LoadBalancingPolicy = balancing.Value.Policy,
        HealthCheck = new HealthCheckConfig
        {
            AvailableDestinationsPolicy = PrimaryThenBackupPolicy.PolicyName,
            Active = new ActiveHealthCheckConfig
            {
                Enabled = true,
                Interval = health.Value.Interval,
                Timeout = health.Value.Timeout,
                Policy = HealthCheckConstants.ActivePolicy.ConsecutiveFailures,
                Path = health.Value.Path,
            },
            Passive = new PassiveHealthCheckConfig
            {
                Enabled = true,
                Policy = MaxFailsHealthPolicy.PolicyName,
                ReactivationPeriod = health.Value.FailTimeout,
            },
        },
        HttpClient = new HttpClientConfig { EnableMultipleHttp2Connections = true },
        HttpRequest = new ForwarderRequestConfig
        {
            ActivityTimeout = upstream.Value.ActivityTimeout,
            AllowResponseBuffering = false,
        },
        Metadata = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            [ConsecutiveFailuresHealthPolicyOptions.ThresholdMetadataName] =
                health.Value.Threshold.ToString(CultureInfo.InvariantCulture),
        },
        Destinations = replicas
            .Where(replica => replica.State == ReplicaState.Ready)
            // YARP takes ids that differ only by case for the same.
            .DistinctBy(replica => replica.Id, StringComparer.OrdinalIgnoreCase)
            .ToDictionary(replica => replica.Id, Destination, StringComparer.OrdinalIgnoreCase),
    };

    private static DestinationConfig Destination(ReplicaRecord replica)
    {
        var metadata = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            [DestinationMetadata.ReplicaKey] = replica.Id,
            [DestinationMetadata.WeightKey] = replica.Weight.ToString(CultureInfo.InvariantCulture),
            [DestinationMetadata.BackupKey] = replica.Backup ? bool.TrueString : bool.FalseString,
            [DestinationMetadata.RelayKey] = replica.Relay.ToString(CultureInfo.InvariantCulture),
        };
        if (replica.MaxFails is { } maxFails)
        {
            metadata[DestinationMetadata.MaxFailsKey] = maxFails.ToString(CultureInfo.InvariantCulture);
        }

        if (replica.FailTimeout is { } failTimeout)
        {
            metadata[DestinationMetadata.FailTimeoutKey] = failTimeout.ToString("c", CultureInfo.InvariantCulture);
        }

        return new DestinationConfig { Address = replica.Address.AbsoluteUri, Metadata = metadata };
    }

    private static RouteConfig Route(string name, string path, MatchOptions match) => new()
    {
        RouteId = $"{ReplicaDirectory.ClusterId}.{name}",
        ClusterId = ReplicaDirectory.ClusterId,
        Match = new RouteMatch { Path = path, Hosts = match.Hosts.Count == 0 ? null : [.. match.Hosts.Select(MatchOptions.AsRouted)!] },
        CorsPolicy = CrossOriginOptions.PolicyName,
        // The replica decides.
        AuthorizationPolicy = RoutePolicyValidator.Everybody,
    };
}
