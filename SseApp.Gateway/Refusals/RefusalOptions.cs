namespace SseApp.Gateway.Refusals;

/// <summary>
/// Section <c>Refusals</c>: when a client that could not be served is asked to reconnect. Each gets a random time
/// between the two, so that they do not all come at once; in a storm the times of streams are longer (section <c>Storms</c>).
/// </summary>
public sealed class RefusalOptions : IValidatableObject
{
    public const string SectionName = "Refusals";

    /// <summary>Shortest time after which a refused client should reconnect. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan MinRetry { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest time after which a refused client should reconnect. Default 3 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan MaxRetry { get; set; } = TimeSpan.FromSeconds(3);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (MaxRetry < MinRetry)
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(MaxRetry)} ({MaxRetry}) must not be less than {nameof(MinRetry)} ({MinRetry}).", [nameof(MaxRetry)]);
        }
    }
}
