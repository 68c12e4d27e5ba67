namespace SseApp.Gateway.Alerts.Rules;

/// <summary>Too many requests are refused, by replicas or by this gateway.</summary>
internal sealed class RefusalRule(IOptions<AlertsOptions> options) : IAlertRule
{
    public const string Name = "refusals";

    private static readonly TimeSpan s_window = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, ReplicaRecord> _last = new(StringComparer.Ordinal);
    private readonly SlidingWindow<(long Opened, long Refused)> _window = new();
    private long _opened;
    private long _refusedByReplicas;

    public IEnumerable<AlertCondition> Evaluate(ClusterSnapshot snapshot)
    {
        foreach (var replica in snapshot.Replicas)
        {
            Count(replica);
        }

        foreach (var gone in _last.Keys.Except(snapshot.Replicas.Select(replica => replica.Id), StringComparer.Ordinal).ToArray())
        {
            _last.Remove(gone);
        }

        // What is refused because Redis is unavailable is reported already, and replicas count it when Redis answers again.
        if (snapshot.IsStarting || snapshot.RegistryUnsettled)
        {
            _window.Clear();
        }

        var now = (Opened: _opened, Refused: _refusedByReplicas + snapshot.Refused);
        var then = _window.Add(now, snapshot.Uptime, s_window);
        var (opened, refused) = (now.Opened - then.Opened, now.Refused - then.Refused);
        if (refused >= options.Value.RefusalMinimum && refused > options.Value.RefusalShare * (opened + refused))
        {
            yield return new AlertCondition(
                Name,
                Name,
                AlertSeverity.Critical,
                $"{refused} requests were refused within the last minute, while {opened} streams were opened.",
                "Requests are served again.",
                AlertCondition.NoLabels);
        }
    }

    // A replica that started again counts from zero; what one counted before it was seen first is old.
    private void Count(ReplicaRecord replica)
    {
        if (_last.TryGetValue(replica.Id, out var before))
        {
            var same = before.StartedAt == replica.StartedAt;
            _opened += Math.Max(0, replica.Opened - (same ? before.Opened : 0));
            _refusedByReplicas += Math.Max(0, replica.Refused - (same ? before.Refused : 0));
        }

        _last[replica.Id] = replica;
    }
}
