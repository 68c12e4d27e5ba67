namespace SseApp.Gateway.Alerts.Rules;

/// <summary>
/// A replica that was ready and disappeared without having announced it. It is replaced when its id or its address is ready again,
/// or when another one that came later is ready in its place: a new pod has a new name and a new address.
/// </summary>
internal sealed class ReplicaLostRule(IOptions<AlertsOptions> options) : IAlertRule
{
    public const string Name = "replica-lost";

    private static readonly TimeSpan s_hungFor = TimeSpan.FromMinutes(1);

    private const string ReplicaLabel = "replica";
    private const string AddressLabel = "address";

    private readonly Dictionary<string, ReplicaRecord> _known = new(StringComparer.Ordinal);
    private readonly List<Lost> _lost = [];
    private bool _restored;

    public IEnumerable<AlertCondition> Evaluate(ClusterSnapshot snapshot)
    {
        Restore(snapshot);

        // Without the registry nobody knows who is there.
        if (!snapshot.RegistryUnsettled)
        {
            FindLost(snapshot);
            FindBack(snapshot);
        }

        _lost.RemoveAll(lost => snapshot.Uptime - lost.At >= options.Value.ForgetLostAfter);
        return _lost.Select(Describe);
    }

    private void FindLost(ClusterSnapshot snapshot)
    {
        var present = snapshot.Replicas.Select(replica => replica.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var gone in _known.Values.Where(known => !present.Contains(known.Id)).ToArray())
        {
            _known.Remove(gone.Id);
            var planned = gone.State != ReplicaState.Ready || snapshot.Left.Contains(gone.Id) || IsReportedAsHung(gone.Id, snapshot);
            if (!planned && !snapshot.IsStarting)
            {
                _lost.Add(new Lost(gone.Id, gone.Address.ToString(), snapshot.Uptime));
            }
        }
    }

    // Its supervisor ended it because it hung, which the rule for that reports.
    private static bool IsReportedAsHung(string id, ClusterSnapshot snapshot) =>
        snapshot.Restarts.Any(record => record.Id == id && record.Stage == RestartStage.Hung && snapshot.Now - record.At < s_hungFor);

    private void FindBack(ClusterSnapshot snapshot)
    {
        foreach (var replica in snapshot.Replicas)
        {
            var newlyReady = replica.State == ReplicaState.Ready
                && !(_known.TryGetValue(replica.Id, out var before) && before.State == ReplicaState.Ready);
            _known[replica.Id] = replica;
            if (replica.State != ReplicaState.Ready)
            {
                continue;
            }

            var index = _lost.FindIndex(lost => lost.Id == replica.Id || lost.Address == replica.Address.ToString());
            if (index >= 0)
            {
                _lost.RemoveAt(index);
            }
            else if (newlyReady && !snapshot.IsStarting && _lost.Count > 0)
            {
                // One replaces one: of two lost replicas the first is replaced first.
                _lost.RemoveAt(0);
            }
        }
    }

    private void Restore(ClusterSnapshot snapshot)
    {
        if (_restored || !snapshot.IsStarting)
        {
            _restored = true;
            return;
        }

        foreach (var alert in snapshot.Known.Where(alert => alert.Rule == Name && alert.IsFiring && !_lost.Exists(lost => lost.Id == alert.Labels.GetValueOrDefault(ReplicaLabel))))
        {
            _lost.Add(new Lost(alert.Labels.GetValueOrDefault(ReplicaLabel, ""), alert.Labels.GetValueOrDefault(AddressLabel, ""), snapshot.Uptime - (snapshot.Now - alert.Since)));
        }
    }

    private static AlertCondition Describe(Lost lost) => new(
        $"{Name}:{lost.Id}",
        Name,
        AlertSeverity.Warning,
        $"Replica {lost.Id} at {lost.Address} disappeared without having announced it. Its clients reconnect to the other replicas.",
        $"Replica {lost.Id} is ready again, was replaced, or has been missing so long that it counts as removed.",
        new Dictionary<string, string>(StringComparer.Ordinal) { [ReplicaLabel] = lost.Id, [AddressLabel] = lost.Address });

    private sealed record Lost(string Id, string Address, TimeSpan At);
}
