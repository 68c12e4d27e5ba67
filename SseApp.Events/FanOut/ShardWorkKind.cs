namespace SseApp.Events.FanOut;

internal enum ShardWorkKind
{
    /// <summary>An event (LogEntry) for the TopicMembers.</summary>
    Deliver,

    /// <summary>The TopicMembers' head without an event, a boxed Position.</summary>
    Start,

    /// <summary>The next events (LogEntry[]) of a StreamConnection that is behind its topic's head.</summary>
    Replay,

    /// <summary>A StreamConnection to open.</summary>
    Join,

    /// <summary>A StreamConnection to end, with its CloseReason.</summary>
    Close,

    /// <summary>A StreamConnection's flush is over; the value is null if the client is still there.</summary>
    Flushed,

    /// <summary>Time to look after heartbeats and deadlines.</summary>
    Tick,

    /// <summary>End all streams within the window (a boxed TimeSpan); null calls that off.</summary>
    Drain,

    /// <summary>An Action to run in the loop.</summary>
    Run,

    /// <summary>End some streams that would find a better place (a SheddingPlan).</summary>
    Shed,
}
