namespace SseApp.Gateway.Alerts.Rules;

/// <summary>
/// A process that keeps ending: the supervisor says so in the restart ledger, or the registry shows one replica, by its
/// id or its address, starting again and again without having left.
/// </summary>
internal sealed class CrashLoopRule(IOptions<AlertsOptions> options) : IAlertRule
{
    public const string Name = "crash-loop";

    // By id and by address: a supervisor keeps one of them, or both.
    private readonly Dictionary<string, Seen> _seen = new(StringComparer.Ordinal);
    private readonly HashSet<string> _left = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<TimeSpan>> _restarts = new(StringComparer.Ordinal);

    public IEnumerable<AlertCondition> Evaluate(ClusterSnapshot snapshot)
    {
        _left.UnionWith(snapshot.Left);
        foreach (var replica in snapshot.Replicas)
        {
            Note(replica, snapshot);
        }

        Forget(snapshot);
        var ledger = snapshot.Restarts.GroupBy(record => record.Id, StringComparer.Ordinal).ToDictionary(records => records.Key, records => records.ToArray(), StringComparer.Ordinal);
        var found = new Dictionary<string, AlertCondition>(StringComparer.Ordinal);
        foreach (var (id, restarts) in _restarts)
        {
            var window = Window(ledger.GetValueOrDefault(id, []), snapshot.Now);
            var count = restarts.Count(at => snapshot.Uptime - at <= window);
            if (count >= options.Value.CrashLoopRestarts)
            {
                found[id] = Describe(id, $"{id} has started again {count} times in {Minutes} without having been stopped.", "");
            }
        }

        foreach (var (id, records) in ledger)
        {
            if (FromLedger(id, records, snapshot.Now) is { } condition)
            {
                found[id] = condition;
            }
        }

        return found.Values;
    }

    private string Minutes => $"{options.Value.CrashLoopWindow.TotalMinutes:0.#} min";

    private void Note(ReplicaRecord replica, ClusterSnapshot snapshot)
    {
        var address = replica.Address.ToString();
        var before = (_seen.GetValueOrDefault(replica.Id) ?? _seen.GetValueOrDefault(address))?.Replica;
        if (before is not null && before.StartedAt < replica.StartedAt)
        {
            var planned = before.State == ReplicaState.Draining || _left.Remove(before.Id);
            if (!planned && !snapshot.IsStarting)
            {
                var slot = before.Id == replica.Id ? replica.Id : address;
                (_restarts.TryGetValue(slot, out var restarts) ? restarts : _restarts[slot] = []).Add(snapshot.Uptime);
            }
        }

        _seen[replica.Id] = _seen[address] = new Seen(replica, snapshot.Uptime);
    }

    // What returns after the window counts for nothing, so nothing older is kept.
    private void Forget(ClusterSnapshot snapshot)
    {
        foreach (var key in _seen.Where(seen => snapshot.Uptime - seen.Value.At > options.Value.CrashLoopWindow).Select(seen => seen.Key).ToArray())
        {
            _seen.Remove(key);
        }

        _left.IntersectWith(_seen.Keys);
        foreach (var key in _restarts.Where(restarts => restarts.Value.TrueForAll(at => snapshot.Uptime - at > options.Value.CrashLoopWindow)).Select(restarts => restarts.Key).ToArray())
        {
            _restarts.Remove(key);
        }
    }

    // Who starts a process again after its supervisor gave up has mended it: what was before does not count any more.
    private TimeSpan Window(RestartRecord[] newestFirst, DateTimeOffset now)
    {
        var gaveUp = Array.FindIndex(newestFirst, record => record.GaveUp);
        var since = gaveUp > 0 ? now - newestFirst[gaveUp - 1].At : TimeSpan.MaxValue;
        return since < options.Value.CrashLoopWindow ? since : options.Value.CrashLoopWindow;
    }

    private AlertCondition? FromLedger(string id, RestartRecord[] newestFirst, DateTimeOffset now)
    {
        var last = newestFirst[0];
        var reason = (Array.Find(newestFirst, record => record.Crash || record.GaveUp) ?? last) switch
        {
            { Reason: { Length: > 0 } text } => text,
            { ExitCode: { } code } => $"exit code {code}",
            _ => "no exit code known",
        };
        if (last.GaveUp)
        {
            return Describe(id, $"{id} keeps crashing ({reason}) and is not restarted any more.", reason);
        }

        var window = Window(newestFirst, now);
        var crashes = newestFirst.Count(record => record.Crash && now - record.At <= window);
        return crashes >= options.Value.CrashLoopRestarts
            ? Describe(id, $"{id} has crashed {crashes} times in {Minutes}, last with {reason}.", reason)
            : null;
    }

    private static AlertCondition Describe(string id, string summary, string reason) => new(
        $"{Name}:{id}",
        Name,
        AlertSeverity.Critical,
        summary,
        $"{id} has not crashed again.",
        new Dictionary<string, string>(StringComparer.Ordinal) { ["id"] = id, ["reason"] = reason });

    private sealed record Seen(ReplicaRecord Replica, TimeSpan At);
}
