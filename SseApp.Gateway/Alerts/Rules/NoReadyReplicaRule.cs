using Microsoft.Extensions.Options;

namespace SseApp.Gateway.Alerts.Rules;

internal sealed class NoReadyReplicaRule(IOptions<AlertsOptions> options) : IAlertRule
{
    public const string Name = "no-ready-replica";

    private readonly Sustained _none = new();

    public IEnumerable<AlertCondition> Evaluate(ClusterSnapshot snapshot)
    {
        if (_none.For(snapshot.Available == 0, snapshot.Uptime, options.Value.NoReplicaFor) is not null)
        {
            yield return new AlertCondition(
                Name,
                Name,
                AlertSeverity.Critical,
                snapshot.Replicas.Count == 0
                    ? "No replica is registered. Every request is refused."
                    : $"None of the {snapshot.Replicas.Count} registered replicas takes requests. Every request is refused.",
                "Replicas take requests again.",
                AlertCondition.NoLabels);
        }
    }
}
