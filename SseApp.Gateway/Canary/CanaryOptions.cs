namespace SseApp.Gateway.Canary;

/// <summary>
/// Section <c>Canary</c>: each gateway publishes an event a second to a topic of its own and reads it, as a client does, through its own
/// public address: <c>sse_probe_…</c> say what became of them. It counts as nobody's stream and nobody's event.
/// </summary>
public sealed class CanaryOptions
{
    public const string SectionName = "Canary";

    /// <summary>Whether there is one. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// An event that was acknowledged and has not arrived for this long counts as lost. Time in which the stream is not open, or
    /// nothing can be published, does not count: what was stored before it arrives after it. Default 30 s; 1 s to 10 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan LostAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long its stream stays at one replica. Then it reconnects with its position, so that resuming is tried too, and each replica
    /// has its turn. Default 1 min; 1 s to 1 day.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan StreamFor { get; set; } = TimeSpan.FromMinutes(1);
}
