namespace SseApp.Gateway.Alerts.Rules;

/// <summary>Somebody without the cluster's key writes what steers it, or sends what only its parts may send.</summary>
internal sealed class ForgedRecordRule : IAlertRule
{
    public const string Name = "forged-record";

    private static readonly TimeSpan s_window = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, ReplicaRecord> _last = new(StringComparer.Ordinal);
    private readonly SlidingWindow<long> _counts = new();
    private long _byReplicas;

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

        var now = snapshot.Forged + _byReplicas;
        if (snapshot.IsStarting)
        {
            _counts.Clear();
        }

        var forged = now - _counts.Add(now, snapshot.Uptime, s_window);
        if (forged > 0)
        {
            yield return new AlertCondition(
                Name,
                Name,
                AlertSeverity.Critical,
                $"Within the last minute {forged} records, commands or requests were ignored because nobody with the cluster's key has made them, or because they were too old or repeated.",
                "Nothing forged was found for a minute.",
                AlertCondition.NoLabels);
        }
    }

    // A replica that started again counts from zero; what one counted before it was seen first is old.
    private void Count(ReplicaRecord replica)
    {
        if (_last.TryGetValue(replica.Id, out var before))
        {
            _byReplicas += Math.Max(0, replica.Forged - (before.StartedAt == replica.StartedAt ? before.Forged : 0));
        }

        _last[replica.Id] = replica;
    }
}
