using SseApp.Gateway.Alerts;

namespace SseApp.Gateway.Operators;

/// <summary>One alert as the operator API shows it.</summary>
/// <param name="Key">The same each time the same thing happens.</param>
/// <param name="Rule">What kind of trouble; the name of its runbook.</param>
/// <param name="Severity"><c>warning</c> or <c>critical</c>.</param>
/// <param name="Summary">For a person.</param>
/// <param name="Labels">For a program.</param>
/// <param name="Since">When it began.</param>
/// <param name="EndedAt">When it ended; null while it lasts.</param>
/// <param name="ToldAt">When its beginning was told, by webhook or log; null if it was not, because the last time is less than the minimum interval ago.</param>
internal sealed record AlertInfo(
    string Key,
    string Rule,
    string Severity,
    string Summary,
    IReadOnlyDictionary<string, string> Labels,
    DateTimeOffset Since,
    DateTimeOffset? EndedAt,
    DateTimeOffset? ToldAt)
{
    public static AlertInfo From(Alert alert) => new(
        alert.Key,
        alert.Rule,
        alert.Severity.ToString().ToLowerInvariant(),
        alert.Summary,
        alert.Labels,
        alert.Since,
        alert.EndedAt,
        alert.ToldAt);
}
