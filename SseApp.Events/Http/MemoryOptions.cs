using SseApp.ServiceDefaults.Defaults.Memory;

namespace SseApp.Events.Http;

/// <summary>Section <c>Memory</c>: what requests may hold in the memory of a replica.</summary>
internal sealed class MemoryOptions : IValidatableObject
{
    public const string SectionName = "Memory";

    /// <summary>
    /// Memory that publishes, from the first byte of their bodies until Redis has stored them, and pages of the history hold
    /// together. Who finds it used up gets 503 with the reason <c>busy</c>. A quarter of it is for single events alone.
    /// Default 64 MB; at least 1 MB, and four times a batch that shall find room; 0 switches the limit off.
    /// </summary>
    public ByteSize RequestBudget { get; set; } = new(64L << 20);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (RequestBudget.Bytes is not 0 and < 1L << 20)
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(RequestBudget)} ({RequestBudget}) must be 0 (no limit) or at least 1 MB.", [nameof(RequestBudget)]);
        }
    }
}
