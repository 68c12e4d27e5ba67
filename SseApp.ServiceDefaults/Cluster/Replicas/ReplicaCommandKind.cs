namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>What an operator can ask of a replica.</summary>
public enum ReplicaCommandKind
{
    /// <summary>End the streams and take no new ones, but keep running.</summary>
    Drain,

    /// <summary>Take streams again.</summary>
    Undrain,

    /// <summary>Drain, then end the process so that whatever runs it starts a new one.</summary>
    Restart,
}
