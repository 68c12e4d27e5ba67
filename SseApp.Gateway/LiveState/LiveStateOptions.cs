namespace SseApp.Gateway.LiveState;

/// <summary>Section <c>LiveState</c>: the stream of the cluster's state that the operators' console is fed by.</summary>
public sealed class LiveStateOptions
{
    public const string SectionName = "LiveState";

    /// <summary>How many may look at the same time at one gateway: open consoles, and programs that read the stream. 1 to 1000; default 20.</summary>
    [Range(1, 1000)]
    public int MaxViewers { get; set; } = 20;
}
