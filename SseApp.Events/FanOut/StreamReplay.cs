using SseApp.Events.Log;

namespace SseApp.Events.FanOut;

/// <summary>The next events of a stream that is not at its topic's end yet.</summary>
internal sealed class StreamReplay(StreamConnection connection, Position after)
    : HistoryRequest(after, MaxReplayBytes, confirmed: true)
{
    private const int MaxReplayBytes = 128 * 1024;

    public override void Complete(LogEntry[] entries) => connection.Shard.Post(ShardWorkKind.Replay, connection, entries);
}
