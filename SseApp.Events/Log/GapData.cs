namespace SseApp.Events.Log;

/// <summary>Data of <c>stream.gap</c>; a bound that nobody can know is null.</summary>
internal sealed record GapData(string Topic, string Reason, long? From, long? To);
