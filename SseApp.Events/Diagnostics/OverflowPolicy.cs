namespace SseApp.Events.Diagnostics;

/// <summary>What happens to a client that reads slower than its topics are published, when its backlog is full.</summary>
internal enum OverflowPolicy
{
    /// <summary>The stream ends; the client reconnects and resumes from the log, so it loses nothing.</summary>
    Disconnect,

    /// <summary>The topic's oldest waiting events are dropped; a <c>stream.gap</c> says which.</summary>
    DropOldest,

    /// <summary>Of the waiting events with the same key only the newest is kept; without keys as <see cref="Disconnect"/>.</summary>
    Conflate,
}

/// <summary>Values of the metric's label <c>policy</c>.</summary>
internal static class OverflowPolicyNames
{
    public static readonly OverflowPolicy[] All = Enum.GetValues<OverflowPolicy>();

    public static string Label(this OverflowPolicy policy) => policy switch
    {
        OverflowPolicy.DropOldest => "drop-oldest",
        OverflowPolicy.Conflate => "conflate",
        _ => "disconnect",
    };
}
