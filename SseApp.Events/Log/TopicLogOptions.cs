using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Log;

/// <summary>Section <c>TopicLog</c>: what is kept of each topic, and for how long.</summary>
internal sealed class TopicLogOptions
{
    public const string SectionName = "TopicLog";

    /// <summary>Events kept for each topic. Default 1 000.</summary>
    [Range(1, 1_000_000)]
    public int MaxEvents { get; set; } = 1_000;

    /// <summary>
    /// Bytes kept for each topic, counted as they are stored (the event and about 60 bytes); what is beyond it goes with the next
    /// publish, the oldest first, and clients that resume before it get a gap report. An event that is larger by itself is
    /// kept alone. 0: no limit. Default 64 MiB.
    /// </summary>
    [Range(0, long.MaxValue)]
    public long MaxBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>A topic without a publish for this long, and up to a sixteenth of it longer, loses its log. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan IdleExpiry { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long an idempotency key is remembered after its first use; it belongs to its topic and to the client that used it. Default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan IdempotencyWindow { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Idempotency keys that a client may use within <see cref="IdempotencyWindow"/>, on each replica; a client is an address (an
    /// IPv6 /64). Beyond it a publish with a new key gets 429 with the reason <c>idempotency-keys</c>. 0: no limit. Default 10 000.
    /// </summary>
    [Range(0, 100_000_000)]
    public int MaxIdempotencyKeys { get; set; } = 10_000;

    /// <summary>
    /// Events that a topic's log keeps beyond <see cref="MaxEvents"/> while the archive does not have them (<c>Archive:Mode</c>). What is
    /// beyond this bound goes all the same, and clients that need it get a gap report: Redis must not fill because a database is
    /// down. Default 100 000.
    /// </summary>
    [Range(0, 10_000_000)]
    public int MaxUnarchivedEvents { get; set; } = 100_000;

    /// <summary>The same in bytes, beyond <see cref="MaxBytes"/>. Default 256 MiB.</summary>
    [Range(0, long.MaxValue)]
    public long MaxUnarchivedBytes { get; set; } = 256 * 1024 * 1024;

    /// <summary>Other retention by topic name; the first item that matches counts. Default none.</summary>
    public IList<TopicRetention> Overrides { get; } = [];

    /// <summary>How long events of a topic are archived, null for one that is not; no setting of this section.</summary>
    internal Func<string, TimeSpan?> ArchivedFor { get; set; } = static _ => null;

    // Ten minutes of an event a second. No override is about it: one of MaxEvents 1 for '*' would have it lose what no client lost.
    private static readonly LogRetention s_canary = new(600, 0, TimeSpan.FromHours(1), IsArchived: false);

    public LogRetention RetentionOf(string topic)
    {
        if (TopicName.IsCanary(topic))
        {
            return s_canary;
        }

        foreach (var item in Overrides)
        {
            if (TopicPattern.Matches(item.Pattern, topic))
            {
                return Retention(topic, item.MaxEvents ?? MaxEvents, item.MaxBytes ?? MaxBytes, item.IdleExpiry ?? IdleExpiry);
            }
        }

        return Retention(topic, MaxEvents, MaxBytes, IdleExpiry);
    }

    // The counter of an archived topic lives as long as its archive: with another one the same events would have two numberings.
    private LogRetention Retention(string topic, int maxEvents, long maxBytes, TimeSpan idleExpiry) => ArchivedFor(topic) is { } archived
        ? new LogRetention(maxEvents, maxBytes, archived > idleExpiry ? archived : idleExpiry, IsArchived: true) { ListExpiry = idleExpiry }
        : new LogRetention(maxEvents, maxBytes, idleExpiry, IsArchived: false);
}

/// <summary>An item of <c>TopicLog:Overrides</c>: retention of the topics whose name matches; what is not set stays as it is.</summary>
internal sealed class TopicRetention
{
    /// <summary>A topic name in which <c>*</c> stands for any characters and <c>?</c> for one.</summary>
    [Required]
    [TopicPattern]
    public string Pattern { get; set; } = "";

    /// <summary>Events kept for each topic.</summary>
    [Range(1, 1_000_000)]
    public int? MaxEvents { get; set; }

    /// <summary>Bytes kept for each topic. 0: no limit.</summary>
    [Range(0, long.MaxValue)]
    public long? MaxBytes { get; set; }

    /// <summary>A topic without a publish for this long loses its log.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan? IdleExpiry { get; set; }
}
