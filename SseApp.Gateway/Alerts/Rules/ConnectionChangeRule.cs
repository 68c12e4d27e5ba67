namespace SseApp.Gateway.Alerts.Rules;

/// <summary>The number of streams rose or fell by a large share within a minute, and stayed there.</summary>
internal sealed class ConnectionChangeRule(IOptions<AlertsOptions> options) : IAlertRule
{
    public const string Name = "connection-change";

    private readonly SlidingWindow<int> _window = new();
    private readonly Sustained _up = new();
    private readonly Sustained _down = new();

    // What was found last: while the counts are not known, an alert neither begins nor ends.
    private IReadOnlyList<AlertCondition> _found = [];

    public IEnumerable<AlertCondition> Evaluate(ClusterSnapshot snapshot)
    {
        IReadOnlyList<AlertCondition> found = [.. Find(snapshot)];
        return snapshot.RegistryUnavailable ? _found : _found = found;
    }

    private IEnumerable<AlertCondition> Find(ClusterSnapshot snapshot)
    {
        if (snapshot.IsStarting || snapshot.RegistryUnavailable)
        {
            // Counts that are not known, or old, must not look like a change when they are known again.
            _window.Clear();
        }

        var now = snapshot.Replicas.Sum(replica => replica.Connections);
        var then = _window.Add(now, snapshot.Uptime, options.Value.ConnectionChangeWindow);
        var matters = Math.Max(now, then) >= options.Value.ConnectionChangeMinimum;
        var up = _up.For(matters && now > then * (1 + options.Value.ConnectionChange), snapshot.Uptime, options.Value.ConnectionChangeFor);
        var down = _down.For(matters && now < then * (1 - options.Value.ConnectionChange), snapshot.Uptime, options.Value.ConnectionChangeFor);
        if (up is not null)
        {
            yield return Describe("up", $"Streams rose from {then} to {now} within {Window}.");
        }

        if (down is not null)
        {
            yield return Describe("down", $"Streams fell from {then} to {now} within {Window}.");
        }
    }

    private string Window => $"{options.Value.ConnectionChangeWindow.TotalSeconds:0.#} s";

    private static AlertCondition Describe(string direction, string summary) => new(
        $"{Name}:{direction}",
        Name,
        AlertSeverity.Warning,
        summary,
        "The number of streams is steady again.",
        new Dictionary<string, string>(StringComparer.Ordinal) { ["direction"] = direction });
}
