namespace SseApp.Tests.Infrastructure;

/// <summary>An event as a native EventSource would dispatch it; comments come as type <c>:</c>.</summary>
public sealed record SseEvent(string Type, string Data, string LastEventId);
