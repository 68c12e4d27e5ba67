using Yarp.ReverseProxy.Health;

namespace SseApp.Gateway.Balancing;

/// <summary>
/// Who may get requests: primaries that are healthy; without any, backups that are; without those, whoever failed requests
/// but passes its checks; and in the end everybody, because an attempt that fails costs less than a refusal of a
/// replica that has just recovered.
/// </summary>
internal sealed class PrimaryThenBackupPolicy : IAvailableDestinationsPolicy
{
    public const string PolicyName = "PrimaryThenBackup";

    private enum Tier
    {
        Primary,
        Backup,
        FailingPrimary,
        FailingBackup,
        Everybody,
    }

    public string Name => PolicyName;

    // The name is as YARP 2.3 has it.
    public IReadOnlyList<DestinationState> GetAvailalableDestinations(ClusterConfig config, IReadOnlyList<DestinationState> allDestinations) =>
        Best(config, allDestinations, Tier.Everybody);

    /// <summary>Who may get a request that others failed: as above, but nobody who is known to be unhealthy.</summary>
    public static IReadOnlyList<DestinationState> Remaining(ClusterState cluster, IReadOnlyCollection<DestinationState> tried) =>
        Best(cluster.Model.Config, [.. cluster.DestinationsState.AllDestinations.Except(tried)], Tier.Backup);

    private static List<DestinationState> Best(ClusterConfig config, IReadOnlyList<DestinationState> destinations, Tier last)
    {
        var best = new List<DestinationState>(destinations.Count);
        var bestTier = last;
        foreach (var destination in destinations)
        {
            var tier = Rate(config, destination);
            if (tier < bestTier)
            {
                best.Clear();
                bestTier = tier;
            }

            if (tier == bestTier)
            {
                best.Add(destination);
            }
        }

        return best;
    }

    private static Tier Rate(ClusterConfig config, DestinationState destination)
    {
        var health = destination.Health;
        if (config.HealthCheck?.Active?.Enabled == true && health.Active == DestinationHealth.Unhealthy)
        {
            return Tier.Everybody;
        }

        var failing = config.HealthCheck?.Passive?.Enabled == true && health.Passive == DestinationHealth.Unhealthy;
        return (failing, DestinationTraits.Of(destination).Backup) switch
        {
            (false, false) => Tier.Primary,
            (false, true) => Tier.Backup,
            (true, false) => Tier.FailingPrimary,
            (true, true) => Tier.FailingBackup,
        };
    }
}
