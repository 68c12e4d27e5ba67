namespace SseApp.Gateway.Alerts.Rules;

internal sealed class NoReadyReplicaRule(IOptions<AlertsOptions> options) : IAlertRule
{
    public const string Name = "no-ready-replica";

    private readonly Sustained _none = new();

    public IEnumerable<AlertCondition> Evaluate(ClusterSnapshot snapshot)
    {
        // Without Redis no replica is ready, and that Redis is unavailable is reported already.
        if (_none.For(snapshot is { Ready: 0, RegistryUnsettled: false }, snapshot.Uptime, options.Value.NoReplicaFor) is not null)
        {
            yield return new AlertCondition(
                Name,
                Name,
                AlertSeverity.Critical,
                snapshot.Replicas.Count == 0
                    ? "No replica is registered. Clients are asked to reconnect later."
                    : $"None of the {snapshot.Replicas.Count} registered replicas is ready. Clients are asked to reconnect later.",
                "A replica is ready again.",
                AlertCondition.NoLabels);
        }
    }
}
