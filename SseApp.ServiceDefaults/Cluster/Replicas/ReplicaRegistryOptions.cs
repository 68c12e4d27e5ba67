namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>Section <c>ReplicaRegistry</c>: the list of replicas in Redis.</summary>
internal sealed class ReplicaRegistryOptions : IValidatableObject
{
    public const string SectionName = "ReplicaRegistry";

    /// <summary>Time between two heartbeats of a replica, and between two reads of a gateway. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>A record that was not renewed for this long is removed. Default 5 s; at least two heartbeats.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan Expiry { get; set; } = TimeSpan.FromSeconds(5);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Expiry < HeartbeatInterval * 2)
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(Expiry)} ({Expiry}) must be at least two heartbeats ({HeartbeatInterval} each), or one late heartbeat takes a healthy replica out.",
                [nameof(Expiry)]);
        }
    }
}
