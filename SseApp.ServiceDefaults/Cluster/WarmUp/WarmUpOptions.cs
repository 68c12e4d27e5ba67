namespace SseApp.ServiceDefaults.Cluster.WarmUp;

/// <summary>
/// Section <c>WarmUp</c>: before a service says that it is ready, it publishes and opens some streams to itself, so that the code for them is
/// compiled before clients come. It counts as nobody's stream and nobody's event.
/// </summary>
internal sealed class WarmUpOptions
{
    public const string SectionName = "WarmUp";

    /// <summary>Whether it does so. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>After this time it is ready all the same. A gateway counts from when a replica is there. Default 10 s; 100 ms to 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan Limit { get; set; } = TimeSpan.FromSeconds(10);
}
