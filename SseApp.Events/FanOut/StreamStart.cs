using SseApp.Events.Log;

namespace SseApp.Events.FanOut;

/// <summary>
/// Where a stream begins in one topic. <paramref name="Gap"/> is reported first if it cannot go on from
/// <paramref name="Position"/>, which is then only what ids repeat until the client has the gap.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct StreamStart(Position Position, LogEntry? Gap)
{
    /// <summary>The client's id says nothing about the topic; until it has the gap, ids must not claim a position. No log has this epoch.</summary>
    public static StreamStart Unknown(LogEntry gap) => new(new Position(Epoch.Create(), 0), gap);
}
