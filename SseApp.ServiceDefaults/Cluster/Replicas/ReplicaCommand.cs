namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>A command to one process: a replica that was restarted meanwhile under the same id ignores it.</summary>
/// <param name="Id">Unique, so that a command that is read twice is obeyed once.</param>
/// <param name="ReplicaId">The replica's id in the registry.</param>
/// <param name="StartedAt">Start of the process that is meant, as its record says.</param>
/// <param name="Kind">What to do.</param>
public sealed record ReplicaCommand(string Id, string ReplicaId, DateTimeOffset StartedAt, ReplicaCommandKind Kind)
{
    /// <summary>A new command to the process of <paramref name="replica"/>.</summary>
    public static ReplicaCommand To(ReplicaRecord replica, ReplicaCommandKind kind)
    {
        ArgumentNullException.ThrowIfNull(replica);
        return new(Guid.NewGuid().ToString("N"), replica.Id, replica.StartedAt, kind);
    }
}
