using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.ServiceDefaults.Cluster.Archive;

/// <summary>What the replicas read of section <c>Archive</c>, but for where the archive is; the AppHost, which passes it on, checks it before it starts anything.</summary>
internal class ArchiveSettings : IValidatableObject
{
    /// <summary>How long an event is kept, from when it was published; it goes up to a thirtieth later. Default 30 days.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "3650.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Other retention by topic name, or none; the first item that matches counts. Default none: all topics are archived.</summary>
    public IList<ArchiveOverride> Overrides { get; } = [];

    /// <summary>Events that are not archived for this long make <c>/health</c> degraded and raise an alert; longer than <see cref="Interval"/>. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan MaxLag { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Memory for pages of the archive that many clients read, on each replica. Default 64 MiB.</summary>
    [Range(1024 * 1024, 16L * 1024 * 1024 * 1024)]
    public long CacheBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Reads of the database at once, on each replica; others wait their turn. Default 8.</summary>
    [Range(1, 256)]
    public int MaxReads { get; set; } = 8;

    /// <summary>Most events of one transaction. Default 5 000.</summary>
    [Range(100, 100_000)]
    public int BatchEvents { get; set; } = 5_000;

    /// <summary>Most bytes of one transaction, and of what the archiver holds at a time. Default 8 MiB.</summary>
    [Range(1024 * 1024, 256 * 1024 * 1024)]
    public int BatchBytes { get; set; } = 8 * 1024 * 1024;

    /// <summary>The archiver looks for new events of a topic this often, while it is not behind: the rarer, the less an event costs, the less publishes wait beside it, and the more a Redis that loses its memory takes with it. It looks within seconds when an eighth of <c>TopicLog:MaxUnarchivedEvents</c> or <c>MaxUnarchivedBytes</c> waits. Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:30")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>All topics are compared with the archive this often, for what a replica that crashed did not report. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromSeconds(60);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (MaxLag <= Interval)
        {
            // Every topic would be behind each time that its turn comes.
            yield return new ValidationResult($"{nameof(MaxLag)} must be longer than {nameof(Interval)}, which is {Interval}.", [nameof(MaxLag)]);
        }
    }
}

/// <summary>An item of <c>Archive:Overrides</c>: how long events of the topics whose name matches are archived.</summary>
internal sealed class ArchiveOverride : IValidatableObject
{
    /// <summary>A topic name in which <c>*</c> stands for any characters and <c>?</c> for one.</summary>
    [Required]
    [TopicPattern]
    public string Pattern { get; set; } = "";

    /// <summary>How long, one hour or more; 0: these topics are not archived.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "3650.00:00:00")]
    public TimeSpan? Retention { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Retention is { } retention && retention != TimeSpan.Zero && retention < TimeSpan.FromHours(1))
        {
            yield return new ValidationResult($"{nameof(Retention)} is an hour or more, or 0 to archive nothing.", [nameof(Retention)]);
        }
    }
}
