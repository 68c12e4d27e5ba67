namespace SseApp.Events.Log;

/// <summary>Data of <c>stream.unavailable</c>.</summary>
internal sealed record StreamUnavailable(string Reason, int RetryAfterMs);
