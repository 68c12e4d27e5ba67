namespace SseApp.Gateway.Relay;

/// <summary>
/// Section <c>Relay</c>: how streams come from replicas, and short publishes get there. One connection carries many streams, and an event for all of
/// them comes once. Replicas that do not offer it get a request for each stream and publish, and so does everything else.
/// </summary>
public sealed class RelayOptions : IValidatableObject
{
    public const string SectionName = "Relay";

    /// <summary>Most connections to one replica, also when it allows few streams on each.</summary>
    internal const int MaxConnections = 256;

    /// <summary>Take streams over relay connections where replicas offer them. Default true; otherwise each stream and each publish is a request of its own.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Connections to each replica; streams are spread over them, and more are opened when they are full. Default 0: one for each core, at most 16.</summary>
    [Range(0, MaxConnections)]
    public int ConnectionsPerReplica { get; set; }

    /// <summary>Time between two pings of a replica. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan PingInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A replica that sends nothing for this long is unreachable: its streams end, and their clients reconnect. Default 8 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.200", "00:10:00")]
    public TimeSpan PingTimeout { get; set; } = TimeSpan.FromSeconds(8);

    /// <summary>Bytes that wait for one client before its replica is asked to hold back. 1 KiB to 16 MiB; default 32 KiB.</summary>
    [Range(1024, 16 * 1024 * 1024)]
    public int BlockBytes { get; set; } = 32 * 1024;

    /// <summary>
    /// How long a client whose stream has ended may take to read the rest, before it is cut; also for streams that are
    /// not relayed. Default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Connections to each replica, as they are made.</summary>
    internal int Connections => ConnectionsPerReplica > 0 ? ConnectionsPerReplica : Math.Clamp(Environment.ProcessorCount, 1, 16);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (PingTimeout < 2 * PingInterval)
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(PingTimeout)} ({PingTimeout}) must be at least twice {nameof(PingInterval)} ({PingInterval}), or one late answer ends all streams.",
                [nameof(PingTimeout)]);
        }
    }
}
