namespace SseApp.Gateway.Alerts.Rules;

/// <summary>The archive behind the topic logs: it cannot be written, it falls behind, or events were lost before they were in it.</summary>
internal sealed class ArchiveRule(IOptions<AlertsOptions> options) : IAlertRule
{
    public const string UnavailableName = "archive-unavailable";
    public const string BehindName = "archive-behind";
    public const string LossName = "archive-loss";

    private static readonly TimeSpan s_window = TimeSpan.FromMinutes(10);

    private readonly Dictionary<string, ReplicaRecord> _last = new(StringComparer.Ordinal);
    private readonly SlidingWindow<long> _counts = new();
    private readonly Sustained _unavailable = new();
    private readonly Sustained _behind = new();
    private long _lost;

    // What was found last: while nothing is known of the replicas, an alert neither begins nor ends.
    private IReadOnlyList<AlertCondition> _found = [];

    public IEnumerable<AlertCondition> Evaluate(ClusterSnapshot snapshot) =>
        snapshot.RegistryUnavailable ? _found : _found = [.. Find(snapshot)];

    private IEnumerable<AlertCondition> Find(ClusterSnapshot snapshot)
    {
        ArchiveReport[] reports = [.. snapshot.Replicas.Select(replica => replica.Archive).OfType<ArchiveReport>()];
        var failing = Array.Find(reports, report => report.Reason is not null);
        if (_unavailable.For(failing is not null, snapshot.Uptime, options.Value.ArchiveFor) is not null)
        {
            yield return Describe(
                UnavailableName,
                AlertSeverity.Warning,
                $"Events cannot be archived: {failing!.Reason} Redis keeps them, up to TopicLog:MaxUnarchivedEvents and MaxUnarchivedBytes of each topic; {reports.Sum(report => report.LagEvents)} wait.",
                "Events are archived again.");
        }

        // Whatever cannot be written to is behind soon; that is told once.
        var slowest = reports.MaxBy(report => report.LagSeconds);
        if (_behind.For(failing is null && Array.Exists(reports, report => report.Behind), snapshot.Uptime, options.Value.ArchiveFor) is not null)
        {
            yield return Describe(
                BehindName,
                AlertSeverity.Warning,
                $"The archive is {slowest!.LagSeconds:0} s behind, which is more than Archive:MaxLag; {reports.Sum(report => report.LagEvents)} events wait in Redis.",
                "The archive keeps up again.");
        }

        foreach (var replica in snapshot.Replicas)
        {
            Count(replica);
        }

        foreach (var gone in _last.Keys.Except(snapshot.Replicas.Select(replica => replica.Id), StringComparer.Ordinal).ToArray())
        {
            _last.Remove(gone);
        }

        if (snapshot.IsStarting)
        {
            _counts.Clear();
        }

        var lost = _lost - _counts.Add(_lost, snapshot.Uptime, s_window);
        if (lost > 0)
        {
            yield return Describe(
                LossName,
                AlertSeverity.Critical,
                $"{lost} events went from Redis before they were archived: more of them waited than TopicLog:MaxUnarchivedEvents or MaxUnarchivedBytes allows, or Redis was filling up. Whoever reads there gets a gap.",
                "No further event was lost before it was archived.");
        }
    }

    // A replica that started again counts from zero; what one counted before it was seen first is old.
    private void Count(ReplicaRecord replica)
    {
        if (replica.Archive is { } archive && _last.TryGetValue(replica.Id, out var before))
        {
            _lost += Math.Max(0, archive.Lost - (before.StartedAt == replica.StartedAt ? before.Archive?.Lost ?? 0 : 0));
        }

        _last[replica.Id] = replica;
    }

    private static AlertCondition Describe(string rule, AlertSeverity severity, string summary, string recovery) =>
        new(rule, rule, severity, summary, recovery, AlertCondition.NoLabels);
}
