namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>
/// Section <c>RedisMemory</c>: what happens before Redis, or the embedded Garnet, is full. What was acknowledged is kept, so a
/// full server gets no more events. Shares are of <c>maxmemory</c>, or of Garnet's <c>--memory</c>; a server without such a limit is never full.
/// </summary>
internal sealed class RedisMemoryOptions : IValidatableObject
{
    public const string SectionName = "RedisMemory";

    /// <summary>Time between two looks at the server's memory; while much is published a replica looks more often. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan CheckInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Share of the memory in use from which <c>/health</c> is degraded and an alert fires. 0.1 to 1; default 0.75.</summary>
    [Range(0.1, 1.0)]
    public double WarnAt { get; set; } = 0.75;

    /// <summary>
    /// Share of the memory in use from which publishes are refused with 507. The rest is for the cluster's own keys, and for what
    /// several replicas publish in the same moment. 0.1 to 1; default 0.9.
    /// </summary>
    [Range(0.1, 1.0)]
    public double RefuseAt { get; set; } = 0.9;

    /// <summary>
    /// Accepts a Redis that drops keys when it is full (a <c>maxmemory-policy</c> other than <c>noeviction</c>). Without, a service
    /// starts with such a server only in Development, with a warning. Default false.
    /// </summary>
    public bool AllowEviction { get; set; }

    /// <summary>
    /// Accepts a Redis without <c>maxmemory</c>, which grows until the system ends it. Without, a service starts with such
    /// a server only in Development, with a warning. Default false.
    /// </summary>
    public bool AllowNoLimit { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (WarnAt > RefuseAt)
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(WarnAt)} ({WarnAt}) must not be greater than {nameof(RefuseAt)} ({RefuseAt}), or nobody is warned before publishes are refused.",
                [nameof(WarnAt)]);
        }
    }
}
