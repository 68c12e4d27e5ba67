namespace SseApp.Gateway.Alerts.Rules;

/// <summary>A replica that cannot keep up: its work waits for threads, or its events reach clients late.</summary>
internal sealed class SlowReplicaRule(IOptions<AlertsOptions> options) : IAlertRule
{
    public const string SchedulingName = "scheduling-delay";
    public const string DeliveryName = "delivery-latency";

    private readonly Dictionary<(string Rule, string Id), Sustained> _over = [];

    // What was found last: while nothing is known of the replicas, an alert neither begins nor ends.
    private IReadOnlyList<AlertCondition> _found = [];

    public IEnumerable<AlertCondition> Evaluate(ClusterSnapshot snapshot) =>
        snapshot.RegistryUnavailable ? _found : _found = [.. Find(snapshot)];

    private IEnumerable<AlertCondition> Find(ClusterSnapshot snapshot)
    {
        var limits = options.Value;
        var present = snapshot.Replicas.Select(replica => replica.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var key in _over.Keys.Where(key => !present.Contains(key.Id)).ToArray())
        {
            _over.Remove(key);
        }

        foreach (var replica in snapshot.Replicas)
        {
            if (Over(SchedulingName, replica, replica.SchedulingDelayMs > limits.SchedulingDelay.TotalMilliseconds, snapshot))
            {
                yield return Describe(
                    SchedulingName, replica, $"Work of replica {replica.Id} waits {replica.SchedulingDelayMs:0} ms for a thread.");
            }

            if (Over(DeliveryName, replica, replica.DeliveryP99Ms > limits.DeliveryP99.TotalMilliseconds, snapshot))
            {
                yield return Describe(
                    DeliveryName, replica, $"Events of replica {replica.Id} reach clients late: the 99th percentile is {replica.DeliveryP99Ms:0} ms.");
            }
        }
    }

    private bool Over(string rule, ReplicaRecord replica, bool over, ClusterSnapshot snapshot)
    {
        var key = (rule, replica.Id);
        if (!over)
        {
            _over.Remove(key);
            return false;
        }

        return (_over.TryGetValue(key, out var sustained) ? sustained : _over[key] = new Sustained())
            .For(over, snapshot.Uptime, options.Value.SlowFor) is not null;
    }

    private static AlertCondition Describe(string rule, ReplicaRecord replica, string summary) => new(
        $"{rule}:{replica.Id}",
        rule,
        AlertSeverity.Warning,
        summary,
        $"Replica {replica.Id} keeps up again.",
        new Dictionary<string, string>(StringComparer.Ordinal) { ["replica"] = replica.Id });
}
