namespace SseApp.Events.FanOut;

/// <summary>One item of a shard's queue. The meaning of the two references depends on the kind.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ShardWork(ShardWorkKind Kind, object Target, object? Value = null);

internal enum ShardWorkKind
{
    /// <summary>An event (LogEntry) for the TopicMembers.</summary>
    Deliver,

    /// <summary>The next events (LogEntry[]) of a StreamConnection that is behind its topic's head.</summary>
    Replay,

    /// <summary>A StreamConnection to open.</summary>
    Join,

    /// <summary>A StreamConnection's send is over; the value is null if the client is still there.</summary>
    Sent,

    /// <summary>Whatever is rare: an Action to run in the loop.</summary>
    Run,
}
