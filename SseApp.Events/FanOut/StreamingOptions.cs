using SseApp.Events.Diagnostics;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.FanOut;

/// <summary>Section <c>Streaming</c>: the streams of a replica, their heartbeats and their slow clients.</summary>
internal sealed class StreamingOptions : IValidatableObject
{
    public const string SectionName = "Streaming";

    /// <summary>Topics that one connection may subscribe to. Default 64.</summary>
    [Range(1, 1_000)]
    public int MaxTopics { get; set; } = 64;

    /// <summary>Streams that this replica holds; more are refused with <c>stream.unavailable</c>. Default 50 000.</summary>
    [Range(1, 10_000_000)]
    public int MaxConnections { get; set; } = 50_000;

    /// <summary>A comment is sent to a stream that was silent for this long. Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Each connection's interval differs by up to this share, so that heartbeats spread. 0 to 0.5; default 0.2.</summary>
    [Range(0, 0.5)]
    public double HeartbeatJitter { get; set; } = 0.2;

    /// <summary>Shortest reconnection time sent to a client (<c>retry:</c>). Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan RetryMin { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest reconnection time sent to a client. Each one is random between the two; in a storm they are longer (section <c>Storms</c>). Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan RetryMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Bytes that may wait for one client beyond what kernel and server buffer. Default 1 MiB.</summary>
    [Range(4 * 1024, 1024 * 1024 * 1024)]
    public int MaxBacklogBytes { get; set; } = 1024 * 1024;

    /// <summary>
    /// How long an event may wait for the sends before it, and a send for the client to take it. What is older is dropped
    /// where the topic's policy is <see cref="OverflowPolicy.DropOldest"/>; else, and for a send, the client is
    /// disconnected. Default 30 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan MaxBacklogAge { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// What happens when a backlog is full, by topic; the first matching rule applies. Topics without a rule:
    /// <see cref="OverflowPolicy.Disconnect"/>.
    /// </summary>
    public IList<OverflowRule> Overflow { get; } = [];

    /// <summary>A stream is ended cleanly at this age, so that clients are redistributed over the replicas. Default 0: never.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "30.00:00:00")]
    public TimeSpan MaxConnectionAge { get; set; }

    /// <summary>Each connection's maximum age differs by up to this share. 0 to 0.9; default 0.2.</summary>
    [Range(0, 0.9)]
    public double MaxConnectionAgeJitter { get; set; } = 0.2;

    /// <summary>
    /// With the gateway's <c>Balancing:Rebalance</c>: the share of its streams that a replica with too many ends in a
    /// second. 0.0001 to 1; default 0.02, which evens out a rolling restart within a minute.
    /// </summary>
    [Range(0.0001, 1.0)]
    public double RebalanceRate { get; set; } = 0.02;

    /// <summary>A stream younger than this is not ended to rebalance, so that no client is moved repeatedly. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan RebalanceMinAge { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A client whose stream is ended to rebalance reconnects within this. Default 0.5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan RebalanceRetry { get; set; } = TimeSpan.FromSeconds(0.5);

    /// <summary>How long a stream that is being ended may take to read what was already sent, before it is cut. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long opening a stream may wait for Redis. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan SubscribeTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Events that may wait for a fan-out loop. Further ones are left in the log and read from there when there is room.
    /// Default 100 000.
    /// </summary>
    [Range(1, 10_000_000)]
    public int MaxQueuedEvents { get; set; } = 100_000;

    /// <summary>Fan-out loops; 0 (default) means one for each core.</summary>
    [Range(0, 256)]
    public int Shards { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (RetryMax < RetryMin)
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(RetryMax)} ({RetryMax}) must not be less than {nameof(RetryMin)} ({RetryMin}).", [nameof(RetryMax)]);
        }
    }

    /// <summary>The overflow policy of a topic.</summary>
    public OverflowPolicy OverflowOf(string topic) =>
        Overflow.FirstOrDefault(rule => rule.Matches(topic))?.Policy ?? OverflowPolicy.Disconnect;

    /// <summary>The same for a client that is to reconnect at once.</summary>
    public int NextRebalanceRetryMilliseconds() => Random.Shared.Next(1, (int)RebalanceRetry.TotalMilliseconds + 1);

    /// <summary>A reconnection time of its own for each client, so that a replica's clients do not reconnect in one moment.</summary>
    /// <param name="spread">Makes it longer in a storm.</param>
    /// <param name="milliseconds">By how much, as <paramref name="spread"/> has said.</param>
    public int NextRetryMilliseconds(RetrySpread spread, int milliseconds) =>
        spread.Next((int)RetryMin.TotalMilliseconds, (int)RetryMax.TotalMilliseconds, milliseconds);
}

/// <summary>The overflow policy of the topics whose name fits a pattern.</summary>
internal sealed class OverflowRule
{
    /// <summary>A topic name in which <c>*</c> stands for any characters and <c>?</c> for one.</summary>
    [Required]
    [TopicPattern]
    public string Pattern { get; set; } = "";

    /// <summary>What happens to the slow clients of these topics.</summary>
    public OverflowPolicy Policy { get; set; }

    public bool Matches(string topic) => TopicPattern.Matches(Pattern, topic);
}
