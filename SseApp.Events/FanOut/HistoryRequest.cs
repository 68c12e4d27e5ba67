using SseApp.Events.Diagnostics;
using SseApp.Events.Log;

namespace SseApp.Events.FanOut;

/// <summary>Where a shard gets the past of a topic from; the hub of the topic, which is a floor above.</summary>
internal interface ITopicHistory
{
    /// <summary>Answers the request by <see cref="HistoryRequest.Complete"/>, at once or when the log has been read.</summary>
    void Request(HistoryRequest request);

    /// <summary>Events that are at hand: those after a position and up to one that a shard has handed on.</summary>
    /// <param name="after">The position.</param>
    /// <param name="through">The last event that may be among them.</param>
    /// <param name="maxBytes">Most bytes to hand over at once; one event is handed over whatever its size.</param>
    /// <returns>None when they must be asked for.</returns>
    LogEntry[] Recent(Position after, Position through, int maxBytes);
}

/// <summary>Somebody who waits for the events after a position; asked again for more until the position is the newest one.</summary>
/// <param name="maxBytes">Most bytes to hand over at once; one event is handed over whatever its size.</param>
/// <param name="confirmed">False when the position was not made by this replica, which may be behind it.</param>
internal abstract class HistoryRequest(int maxBytes, bool confirmed)
{
    /// <summary>The position's offset.</summary>
    public abstract long After { get; }

    public int MaxBytes { get; } = maxBytes;

    /// <summary>The hub is known to be at least as new as the position; if they do not match, the position is wrong.</summary>
    public bool Confirmed { get; set; } = confirmed;

    /// <summary>A look at the log's end began after this request.</summary>
    public bool Checking { get; set; }

    /// <summary>When it began to wait for the archive, by the archive's clock.</summary>
    public long AskedAt { get; set; }

    /// <summary>True to begin with the oldest event there is, without a gap, when the position is older.</summary>
    public virtual bool Clamp => false;

    /// <summary>Whether the log of this epoch is the position's. Who has seen nothing yet is at the beginning of any log.</summary>
    public abstract bool Fits(Epoch epoch);

    /// <summary>Goes on from another position, or from the same one when it turned out which log's it is.</summary>
    public abstract void MoveTo(Position position);

    /// <summary>
    /// Called in the hub's lock with the next events, or a gap alone, or nothing at the topic's end: what it posts to a
    /// shard comes before any event newer than these.
    /// </summary>
    public abstract void Complete(LogEntry[] entries);

    /// <summary>The events are archived, and the archive cannot be read now.</summary>
    public abstract void Fail(Exception exception);
}

/// <summary>The next events of a stream that is not at its topic's end yet.</summary>
internal sealed class StreamReplay(StreamConnection connection, Position after) : HistoryRequest(MaxReplayBytes, confirmed: true)
{
    private const int MaxReplayBytes = 128 * 1024;

    private Position _after = after;

    public override long After => _after.Offset;

    public override bool Fits(Epoch epoch) => _after.Epoch == epoch || _after == default;

    public override void MoveTo(Position position) => _after = position;

    public override void Complete(LogEntry[] entries) => connection.Shard.Post(ShardWorkKind.Replay, connection, entries);

    // The client comes back with its id, and finds the archive, or a refusal that tells it when to ask again.
    public override void Fail(Exception exception) => connection.End(CloseReason.Archive);
}
