namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>A command to one process: a replica that was restarted meanwhile under the same id ignores it.</summary>
/// <param name="Id">Unique, so that a command that is read twice is obeyed once.</param>
/// <param name="ReplicaId">The replica's id in the registry.</param>
/// <param name="StartedAt">Start of the process that is meant, as its record says.</param>
/// <param name="Kind">What to do.</param>
internal sealed record ReplicaCommand(string Id, string ReplicaId, DateTimeOffset StartedAt, ReplicaCommandKind Kind)
{
    /// <summary>A new command to the process of <paramref name="replica"/>.</summary>
    public static ReplicaCommand To(ReplicaRecord replica, ReplicaCommandKind kind)
    {
        return new(Guid.NewGuid().ToString("N"), replica.Id, replica.StartedAt, kind);
    }
}

/// <summary>What an operator can ask of a replica.</summary>
internal enum ReplicaCommandKind
{
    /// <summary>End the streams and take no new ones, but keep running.</summary>
    Drain,

    /// <summary>Take streams again.</summary>
    Undrain,

    /// <summary>Drain, then end the process so that whatever runs it starts a new one.</summary>
    Restart,
}
