namespace SseApp.Gateway.Alerts.Rules;

/// <summary>Redis, or the embedded Garnet, fills up; from a share on publishes are refused.</summary>
internal sealed class RedisMemoryRule : IAlertRule
{
    public const string Name = "redis-memory";

    public IEnumerable<AlertCondition> Evaluate(ClusterSnapshot snapshot)
    {
        if (snapshot is { RedisIsFilling: true, RedisMemory: { } filling })
        {
            yield return Describe(
                $"{Name}:filling", AlertSeverity.Warning, $"{filling.Fullness}. {filling.Remedy}, before publishes are refused.", "The topic logs have room again.");
        }

        if (snapshot is { RedisIsFull: true, RedisMemory: { } full })
        {
            yield return Describe(
                $"{Name}:full", AlertSeverity.Critical, $"Publishes are refused with 507. {full.Fullness}. {full.Remedy}.", "Publishes are accepted again.");
        }
    }

    private static AlertCondition Describe(string key, AlertSeverity severity, string summary, string recovery) =>
        new(key, Name, severity, summary, recovery, AlertCondition.NoLabels);
}
