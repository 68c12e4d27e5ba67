namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>Section <c>RedisHealth</c>: when an outage of Redis shows in <c>/health</c>.</summary>
internal sealed class RedisHealthOptions
{
    public const string SectionName = "RedisHealth";

    /// <summary>
    /// How long Redis may be unavailable before the service is no longer ready. Streams stay open through a short outage, and
    /// taking every replica out at once would turn it into a full one. Default 10 s; 0 to 10 min. There is no grace
    /// before the first successful connection.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan GracePeriod { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// An answer that takes longer makes the service degraded (still 200): each publish and resume waits for a round trip.
    /// Default 100 ms; 1 ms to 1 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:00:01")]
    public TimeSpan SlowAfter { get; set; } = TimeSpan.FromMilliseconds(100);
}
