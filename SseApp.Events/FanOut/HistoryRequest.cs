using SseApp.Events.Log;

namespace SseApp.Events.FanOut;

/// <summary>Somebody who waits for the events after a position; asked again for more until the position is the newest one.</summary>
/// <param name="after">The position.</param>
/// <param name="maxBytes">Most bytes to hand over at once; one event is handed over whatever its size.</param>
/// <param name="confirmed">False when the position was not made by this replica, which may be behind it.</param>
internal abstract class HistoryRequest(Position after, int maxBytes, bool confirmed)
{
    public Position After { get; set; } = after;

    public int MaxBytes { get; } = maxBytes;

    /// <summary>The hub is known to be at least as new as the position; if they do not match, the position is wrong.</summary>
    public bool Confirmed { get; set; } = confirmed;

    /// <summary>A look at the log's end began after this request.</summary>
    public bool Checking { get; set; }

    /// <summary>True to begin with the oldest event there is, without a gap, when <see cref="After"/> is older.</summary>
    public virtual bool Clamp => false;

    public virtual bool IsOf(Epoch epoch) => After.Epoch == epoch;

    /// <summary>
    /// Called in the hub's lock with the next events, or a gap alone, or nothing at the topic's end: what it posts to a
    /// shard comes before any event newer than these.
    /// </summary>
    public abstract void Complete(LogEntry[] entries);
}
