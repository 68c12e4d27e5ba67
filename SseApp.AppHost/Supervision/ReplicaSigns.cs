namespace SseApp.AppHost.Supervision;

/// <summary>What the gateway last said of the replicas; nothing while it does not answer.</summary>
internal sealed class ReplicaSigns
{
    public const string Frozen = "frozen";
    public const string Ready = "ready";

    private IReadOnlyDictionary<string, ReplicaSign> _latest = new Dictionary<string, ReplicaSign>(StringComparer.Ordinal);

    public ReplicaSign? Of(string name) => Volatile.Read(ref _latest).GetValueOrDefault(name);

    public void Replace(IEnumerable<ReplicaSign> latest) =>
        Volatile.Write(ref _latest, latest.ToDictionary(sign => sign.Id, StringComparer.Ordinal));
}

/// <summary>One replica as the gateway sees it.</summary>
/// <param name="Id">Its id in the registry.</param>
/// <param name="State">Its state, among them <see cref="ReplicaSigns.Frozen"/>.</param>
/// <param name="SchedulingDelay">How long its work waited for a thread, by its last heartbeat.</param>
internal sealed record ReplicaSign(string Id, string State, TimeSpan SchedulingDelay);
