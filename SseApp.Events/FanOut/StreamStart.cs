using SseApp.Events.Log;

namespace SseApp.Events.FanOut;

/// <summary>
/// Where a stream begins in one topic. <paramref name="Gap"/> is told first if it cannot go on from
/// <paramref name="Position"/>.
/// </summary>
internal sealed record StreamStart(Position Position, LogEntry? Gap);
