namespace SseApp.Gateway.Health;

/// <summary>Section <c>ReplicaHealth</c>: how the gateway finds out that a replica cannot serve.</summary>
public sealed class ReplicaHealthOptions : IValidatableObject
{
    public const string SectionName = "ReplicaHealth";

    /// <summary>Path that is requested; any status from 200 to 299 is healthy. Default <c>/health</c>.</summary>
    [Required, RegularExpression("^/.*")]
    public string Path { get; set; } = "/health";

    /// <summary>Time between two checks of a replica. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "01:00:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Time a check may take. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:05:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Failed checks in a row that take a replica out. Default 2.</summary>
    [Range(1, 100)]
    public int Threshold { get; set; } = 2;

    /// <summary>
    /// Requests that a replica must fail within <see cref="FailTimeout"/> to be taken out: it could not be connected to,
    /// closed the connection or sent nothing before its answer. 0: never. A replica or destination may have its own
    /// (<c>Replica:MaxFails</c>, <c>max_fails</c>). Default 1.
    /// </summary>
    [Range(0, 1_000_000)]
    public int MaxFails { get; set; } = 1;

    /// <summary>
    /// Time within which <see cref="MaxFails"/> requests must fail, and for which the replica then gets none. A replica
    /// or destination may have its own (<c>Replica:FailTimeout</c>, <c>fail_timeout</c>). Default 2 s: the active checks
    /// watch it meanwhile.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "01:00:00")]
    public TimeSpan FailTimeout { get; set; } = TimeSpan.FromSeconds(2);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Timeout > Interval * Threshold)
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(Timeout)} ({Timeout}) must not exceed {nameof(Interval)} × {nameof(Threshold)} ({Interval * Threshold}), or a replica that hangs is found later than one that refuses.",
                [nameof(Timeout)]);
        }
    }
}
