namespace SseApp.Gateway.Replicas;

/// <summary>Section <c>Upstream</c>: connections from the gateway to replicas and other services.</summary>
public sealed class UpstreamOptions
{
    public const string SectionName = "Upstream";

    /// <summary>Time to open a connection before another replica is asked. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Silence after which a forwarded request is abandoned. It must exceed several heartbeats of the replicas
    /// (15 s each), which are what keeps an idle stream alive. Over a relay connection it counts until the response
    /// begins; from then on the connection's own pings do. Default 100 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan ActivityTimeout { get; set; } = TimeSpan.FromSeconds(100);

    /// <summary>
    /// Silence after which a replica that took a stream and sent no byte of it is abandoned for another. Replicas send
    /// the first bytes at once; opening a topic may take them 2 s (<c>Streaming:SubscribeTimeout</c>). Default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan FirstByteTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Attempts for one request, each at another replica, the first included. Default 3.</summary>
    [Range(1, 100)]
    public int MaxAttempts { get; set; } = 3;

    /// <summary>
    /// Largest body, in bytes, of a publish with an <c>Idempotency-Key</c> that is kept until the answer, so that it can be
    /// sent to another replica. Default 1 MiB, well over <c>Publishing:MaxEventBytes</c>; 0: such requests are not repeated.
    /// </summary>
    [Range(0, 1 << 30)]
    public int MaxReplayBytes { get; set; } = 1024 * 1024;

    /// <summary>
    /// Memory, in bytes, for all bodies together that are kept in this way. A publish that finds no room is forwarded all
    /// the same, but not repeated once its body was sent. Default 64 MiB.
    /// </summary>
    [Range(0L, 1L << 40)]
    public long MaxReplayTotalBytes { get; set; } = 64 * 1024 * 1024;
}
