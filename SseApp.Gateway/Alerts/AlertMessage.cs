namespace SseApp.Gateway.Alerts;

/// <summary>A notice as generic JSON.</summary>
/// <param name="Version">Of this format: 1.</param>
/// <param name="Cluster">Which cluster.</param>
/// <param name="State"><c>firing</c>, <c>resolved</c> or <c>test</c>.</param>
/// <param name="Key">The same for both notices of an alert, and for each time it comes back.</param>
/// <param name="Rule">What kind of trouble; the name of its runbook.</param>
/// <param name="Severity"><c>warning</c> or <c>critical</c>.</param>
/// <param name="Summary">For a person.</param>
/// <param name="Labels">For a program.</param>
/// <param name="Since">When it began.</param>
/// <param name="EndedAt">When it ended; absent while it lasts.</param>
/// <param name="Runbook">Where to read what to do, if configured.</param>
internal sealed record AlertMessage(
    int Version,
    string Cluster,
    string State,
    string Key,
    string Rule,
    string Severity,
    string Summary,
    IReadOnlyDictionary<string, string> Labels,
    DateTimeOffset Since,
    DateTimeOffset? EndedAt,
    Uri? Runbook);
