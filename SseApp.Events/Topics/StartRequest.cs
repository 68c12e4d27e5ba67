using SseApp.Events.FanOut;
using SseApp.Events.Log;

namespace SseApp.Events.Topics;

/// <summary>Finds out where a new stream begins.</summary>
/// <param name="after">The client's position; of its epoch only the mark counts.</param>
/// <param name="markBits">Width of the mark.</param>
/// <param name="clamp">The client has no position: it takes the oldest event that is left without calling that a gap.</param>
internal sealed class StartRequest(Position after, int markBits, bool clamp) : HistoryRequest(after, maxBytes: 0, confirmed: clamp)
{
    private readonly Position _told = after;
    private readonly TaskCompletionSource<StreamStart> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override bool Clamp { get; } = clamp;

    public Task<StreamStart> Completion => _completion.Task;

    public override bool IsOf(Epoch epoch) => After.Epoch.Mark(markBits) == epoch.Mark(markBits);

    public override void Complete(LogEntry[] entries) => _completion.TrySetResult(
        entries is [{ GapReason: not null } gap] ? new StreamStart(Told(gap.Position.Epoch), gap) : new StreamStart(After, null));

    // Ids that are sent before the gap repeat the client's position, and the next one's marks may be wider than these.
    private Position Told(Epoch current) => IsOf(current) ? _told with { Epoch = current } : _told;
}
