using Microsoft.Extensions.Options;

namespace SseApp.Gateway.Alerts.Rules;

internal sealed class RedisUnavailableRule(IOptions<AlertsOptions> options) : IAlertRule
{
    public const string Name = "redis-away";

    private readonly Sustained _away = new();

    public IEnumerable<AlertCondition> Evaluate(ClusterSnapshot snapshot)
    {
        if (_away.For(snapshot.RegistryAway, snapshot.Uptime, options.Value.RedisAwayFor) is not null)
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
