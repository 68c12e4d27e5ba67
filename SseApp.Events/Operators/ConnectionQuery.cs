namespace SseApp.Events.Operators;

/// <summary>Which streams an operator means.</summary>
/// <param name="Topic">Subscribed to this topic; null for any.</param>
/// <param name="After">Ids greater than this one.</param>
/// <param name="Limit">So many at most, those with the smallest ids.</param>
internal sealed record ConnectionQuery(string? Topic, ulong? After, int Limit);
