namespace SseApp.Events.Topics;

/// <summary>Section <c>Topics</c>: what a replica keeps in memory for the topics that have subscribers.</summary>
internal sealed class TopicsOptions
{
    public const string SectionName = "Topics";

    /// <summary>
    /// How long the Redis subscription of a topic outlives its last local subscriber: clients that reconnect find it
    /// in place. One of a topic without a log ends at once. Default 10 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan UnsubscribeGrace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Topics that may become active in a second: each is a subscription in Redis. Beyond it streams that need another one are
    /// refused with the reason <c>topics</c>; those of active topics are not. Default 500; 0: no limit.
    /// </summary>
    [Range(0, 1_000_000)]
    public int NewHubsPerSecond { get; set; } = 500;

    /// <summary>Recent events that each active topic keeps in memory for clients that resume, in bytes. Default 256 KiB.</summary>
    [Range(0, 1024 * 1024 * 1024)]
    public int RingBytes { get; set; } = 256 * 1024;

    /// <summary>Recent events that all topics together keep in memory, in bytes. Default 64 MiB.</summary>
    [Range(0, long.MaxValue)]
    public long TotalRingBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>
    /// How often each active topic compares its newest event with the log's: pub/sub may lose messages without a sign.
    /// Default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan CheckInterval { get; set; } = TimeSpan.FromSeconds(5);
}
