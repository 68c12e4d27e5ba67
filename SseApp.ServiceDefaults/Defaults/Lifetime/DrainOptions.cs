using System.ComponentModel.DataAnnotations;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>Section <c>Drain</c>.</summary>
public sealed class DrainOptions
{
    public const string SectionName = "Drain";

    /// <summary>
    /// Streams end at random moments within this time, so that the other replicas get their clients one by one.
    /// Default 5 s; use 30 s in containers, and give the orchestrator's grace period 10 s more.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(5);
}
