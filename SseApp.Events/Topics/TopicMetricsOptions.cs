using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Topics;

/// <summary>
/// Section <c>TopicMetrics</c>: topics that have numbers of their own, <c>sse_topic_…</c> with the label <c>topic</c>. Each topic is three
/// series for as long as a replica runs, and clients may make up topics: name those that are few.
/// </summary>
internal sealed class TopicMetricsOptions : IValidatableObject
{
    public const string SectionName = "TopicMetrics";

    /// <summary>Names of topics in which <c>*</c> stands for any characters and <c>?</c> for one. Default none.</summary>
    public IList<string> Patterns { get; } = [];

    /// <summary>Topics that a replica measures at most, the first ones that match; the others are only in the sums. Default 100; 1 to 500.</summary>
    [Range(1, 500)]
    public int MaxTopics { get; set; } = 100;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) => Patterns
        .Where(pattern => !TopicPattern.IsValid(pattern))
        .Select(pattern => new ValidationResult($"{SectionName}:{nameof(Patterns)} has '{pattern}', which cannot match a topic. {TopicPattern.Rule}", [nameof(Patterns)]));
}
