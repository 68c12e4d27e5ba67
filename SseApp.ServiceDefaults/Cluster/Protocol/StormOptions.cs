namespace SseApp.ServiceDefaults.Cluster.Protocol;

/// <summary>
/// Section <c>Storms</c>: clients that come together may have to come back together. When streams are opened faster than a process opens
/// them with ease, clients get longer reconnection times (<c>retry:</c>), so that the next time they come at that rate.
/// </summary>
internal sealed class StormOptions
{
    public const string SectionName = "Storms";

    /// <summary>
    /// Streams a second that a process opens with ease, one that has just started on one core included. While fewer come, times are
    /// what <c>Streaming:RetryMin</c> and <c>RetryMax</c> say, or for refusals <c>Refusals:MinRetry</c> and <c>MaxRetry</c>. 0: also when more come. Default 1 500.
    /// </summary>
    [Range(0, 1_000_000)]
    public int OpeningsPerSecond { get; set; } = 1_500;

    /// <summary>Longest reconnection time that a storm leads to. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan MaxRetry { get; set; } = TimeSpan.FromSeconds(30);
}
