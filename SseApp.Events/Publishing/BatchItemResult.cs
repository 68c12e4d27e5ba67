namespace SseApp.Events.Publishing;

/// <summary>
/// What became of one item: the status it would have had alone, the events it stored (one for each of its topics), why it
/// was not stored, or not on every topic, and with 503 the <c>PublishOutcome</c> of the rest.
/// </summary>
internal sealed record BatchItemResult(int Index, int Status, PublishedEvent[] Events, string? Error, string? Outcome = null);
