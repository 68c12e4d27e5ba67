namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>
/// An announcement: <paramref name="Record"/> is the replica's new record, or null when the replica took itself
/// out of the registry. Announcements can be lost (pub/sub is at most once); the periodic read is the truth.
/// </summary>
public sealed record ReplicaChange(string ReplicaId, ReplicaRecord? Record);
