using System.ComponentModel.DataAnnotations;

namespace SseApp.Events.Log;

/// <summary>Section <c>TopicLog</c>.</summary>
internal sealed class TopicLogOptions
{
    public const string SectionName = "TopicLog";

    /// <summary>Prefix of keys and channels, for several clusters on one Redis. Default <c>sse</c>.</summary>
    [Required, RegularExpression("^[A-Za-z0-9_.-]{1,64}$")]
    public string KeyPrefix { get; set; } = "sse";

    /// <summary>Events kept for each topic. Default 1 000.</summary>
    [Range(1, 1_000_000)]
    public int MaxEvents { get; set; } = 1_000;

    /// <summary>A topic without a publish for this long loses its log. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan IdleExpiry { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long an idempotency key is remembered after its first use. Default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan IdempotencyWindow { get; set; } = TimeSpan.FromMinutes(5);
}
