using Yarp.ReverseProxy.Configuration;

namespace SseApp.Tests.Gateway.Balancing;

/// <summary>Who may get requests, by health and backup.</summary>
public sealed class TierTests
{
    private static readonly ClusterConfig s_config = new()
    {
        ClusterId = "shop",
        HealthCheck = new HealthCheckConfig
        {
            Active = new ActiveHealthCheckConfig { Enabled = true },
            Passive = new PassiveHealthCheckConfig { Enabled = true },
        },
    };

    [Theory]
    [InlineData("p1 p2 b1", "", "", "p1 p2")]
    [InlineData("p1 p2 b1", "p1", "", "p2")]
    [InlineData("p1 p2 b1", "p1", "p2", "b1")]
    [InlineData("p1 p2 b1", "p1", "p2 b1", "p2")]
    [InlineData("p1 b1 b2", "p1", "b1 b2", "b1 b2")]
    [InlineData("p1 p2 b1", "p1 p2 b1", "", "p1 p2 b1")]
    [InlineData("b1 b2", "", "", "b1 b2")]
    public void The_best_tier_that_has_anybody_serves(string all, string unhealthy, string failing, string available) =>
        Assert.Equal(
            available,
            string.Join(' ', new PrimaryThenBackupPolicy().GetAvailalableDestinations(s_config, All(all, unhealthy, failing)).Select(destination => destination.DestinationId)));

    [Theory]
    [InlineData("p1 p2 b1", "", "", "p1", "p2")]
    [InlineData("p1 p2 b1", "", "", "p1 p2", "b1")]
    [InlineData("p1 p2 b1", "p2", "", "p1", "b1")]
    [InlineData("p1 p2 b1", "p2", "b1", "p1", "")]
    [InlineData("p1", "", "", "p1", "")]
    public void A_failed_request_goes_on_to_primaries_then_to_backups_but_to_nobody_who_is_not_well(
        string all, string unhealthy, string failing, string tried, string remaining)
    {
        var destinations = All(all, unhealthy, failing);
        var cluster = Destinations.Cluster(s_config, destinations);
        var left = PrimaryThenBackupPolicy.Remaining(cluster, [.. destinations.Where(destination => Names(tried).Contains(destination.DestinationId, StringComparer.Ordinal))]);
        Assert.Equal(remaining, string.Join(' ', left.Select(destination => destination.DestinationId)));
    }

    private static DestinationState[] All(string all, string unhealthy, string failing) =>
        [.. Names(all).Select(id =>
        {
            var destination = Destinations.With(id, ("backup", id.StartsWith('b') ? "true" : "false"));
            destination.Health.Active = Names(unhealthy).Contains(id, StringComparer.Ordinal) ? DestinationHealth.Unhealthy : DestinationHealth.Unknown;
            destination.Health.Passive = Names(failing).Contains(id, StringComparer.Ordinal) ? DestinationHealth.Unhealthy : DestinationHealth.Unknown;
            return destination;
        })];

    private static string[] Names(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
