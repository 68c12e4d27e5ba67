namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>Where a replica is in its life. A gateway sends new requests to <see cref="Ready"/> replicas only.</summary>
public enum ReplicaState
{
    /// <summary>The process runs but has not passed its readiness checks yet.</summary>
    Starting,

    /// <summary>Accepts streams and publishes.</summary>
    Ready,

    /// <summary>Ends its streams and accepts no new ones; it may become ready again (undrain) or go away.</summary>
    Draining,
}
