using System.ComponentModel.DataAnnotations;

namespace SseApp.Events.Topics;

/// <summary>Section <c>Topics</c>.</summary>
internal sealed class TopicsOptions
{
    public const string SectionName = "Topics";

    /// <summary>
    /// How long the Redis subscription of a topic outlives its last local subscriber: clients that reconnect find it
    /// in place. Default 10 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan UnsubscribeGrace { get; set; } = TimeSpan.FromSeconds(10);
}
