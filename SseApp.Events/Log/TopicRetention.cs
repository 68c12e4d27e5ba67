using System.ComponentModel.DataAnnotations;

namespace SseApp.Events.Log;

/// <summary>An item of <c>TopicLog:Overrides</c>: retention of the topics whose name matches; what is not set stays as it is.</summary>
internal sealed class TopicRetention
{
    /// <summary>A topic name in which <c>*</c> stands for any characters and <c>?</c> for one.</summary>
    [Required]
    public string Pattern { get; set; } = "";

    /// <summary>Events kept for each topic.</summary>
    [Range(1, 1_000_000)]
    public int? MaxEvents { get; set; }

    /// <summary>A topic without a publish for this long loses its log.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan? IdleExpiry { get; set; }
}
