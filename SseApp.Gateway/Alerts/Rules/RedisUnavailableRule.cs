namespace SseApp.Gateway.Alerts.Rules;

internal sealed class RedisUnavailableRule(IOptions<AlertsOptions> options) : IAlertRule
{
    public const string Name = "redis-unavailable";

    private readonly Sustained _unavailable = new();

    public IEnumerable<AlertCondition> Evaluate(ClusterSnapshot snapshot)
    {
        if (_unavailable.For(snapshot.RegistryUnavailable, snapshot.Uptime, options.Value.RedisUnavailableFor) is not null)
        {
            yield return new AlertCondition(
                Name,
                Name,
                AlertSeverity.Critical,
                "Redis does not answer. Open streams stay, but nothing can be published and no new stream opens.",
                "Redis answers again.",
                AlertCondition.NoLabels);
        }
    }
}
