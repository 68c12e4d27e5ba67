namespace SseApp.Gateway.Alerts;

/// <summary>Finds one kind of trouble. Rules remember what they need between two calls; they are called one at a time.</summary>
internal interface IAlertRule
{
    IEnumerable<AlertCondition> Evaluate(ClusterSnapshot snapshot);
}

/// <summary>Something a rule finds wrong at the moment.</summary>
/// <param name="Key">The same for every gateway that finds it, and as long as it lasts: what makes one alert of many findings.</param>
/// <param name="Rule">Name of the rule, and of its runbook.</param>
/// <param name="Severity">How urgent it is.</param>
/// <param name="Summary">One sentence for a person.</param>
/// <param name="Recovery">The sentence for when it is over.</param>
/// <param name="Labels">For programs.</param>
internal sealed record AlertCondition(
    string Key, string Rule, AlertSeverity Severity, string Summary, string Recovery, IReadOnlyDictionary<string, string> Labels)
{
    public static readonly IReadOnlyDictionary<string, string> NoLabels = new Dictionary<string, string>(StringComparer.Ordinal);
}
