namespace SseApp.Gateway.Alerts.Rules;

/// <summary>
/// Processes that ran on but answered nobody, from the restart ledger: what their supervisor did, and whether it helped. A
/// replica whose loss is reported already is not reported once more: that notice ends when the new process is ready.
/// </summary>
internal sealed class HungProcessRule(IOptions<AlertsOptions> options) : IAlertRule
{
    public const string Name = "hung-process";
    public const string FailedName = "restart-failed";

    // A supervisor that is gone says no end.
    private static readonly TimeSpan s_forgotten = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_margin = TimeSpan.FromSeconds(5);

    private readonly Dictionary<(string Id, DateTimeOffset At), bool> _reportedAsLost = [];

    public IEnumerable<AlertCondition> Evaluate(ClusterSnapshot snapshot)
    {
        foreach (var records in snapshot.Restarts.GroupBy(record => record.Id, StringComparer.Ordinal).Select(group => group.ToArray()))
        {
            var id = records[0].Id;
            if (records[0].Stage == RestartStage.NeedsPerson)
            {
                yield return Describe(FailedName, AlertSeverity.Critical, id, records[0].Reason, $"{id} was restarted, which did not help ({records[0].Reason}). A person has to look.");
            }

            var index = Array.FindIndex(records, record => record.Stage == RestartStage.Hung);
            if (index >= 0 && Lasts(records[..index], records[index], snapshot) && !IsReportedAsLost(records[index], snapshot))
            {
                yield return Describe(Name, AlertSeverity.Warning, id, records[index].Reason, $"{id} ran on without answering ({records[index].Reason}) and is restarted.");
            }
        }

        foreach (var old in _reportedAsLost.Keys.Where(key => snapshot.Now - key.At > s_forgotten).ToArray())
        {
            _reportedAsLost.Remove(old);
        }
    }

    // A gateway that hung itself begins no alert in its first seconds, so each lasts at least until these are over.
    private bool Lasts(RestartRecord[] later, RestartRecord hung, ClusterSnapshot snapshot) =>
        snapshot.Now - hung.At < options.Value.StartupGrace + s_margin
        || (snapshot.Now - hung.At < s_forgotten
            && !Array.Exists(later, record => record.Stage == RestartStage.Recovered || record is { Stage: null, Crash: false }));

    private bool IsReportedAsLost(RestartRecord hung, ClusterSnapshot snapshot)
    {
        var key = (hung.Id, hung.At);
        if (!_reportedAsLost.TryGetValue(key, out var reported))
        {
            _reportedAsLost[key] = reported = snapshot.Known.Any(alert => alert.IsFiring && alert.Key == $"{ReplicaLostRule.Name}:{hung.Id}");
        }

        return reported;
    }

    private static AlertCondition Describe(string rule, AlertSeverity severity, string id, string reason, string summary) => new(
        $"{rule}:{id}",
        rule,
        severity,
        summary,
        $"{id} answers again.",
        new Dictionary<string, string>(StringComparer.Ordinal) { ["id"] = id, ["reason"] = reason });
}
