using SseApp.Events.FanOut;
using SseApp.Events.Log;

namespace SseApp.Events.Topics;

/// <summary>Finds out where a new stream begins.</summary>
internal sealed class StartRequest : HistoryRequest
{
    private readonly TaskCompletionSource<StreamStart> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly MarkedPosition _asked;
    private readonly int _markBits;

    // Null until it turned out which log the client's position is of.
    private Position? _found;

    /// <param name="asked">From the client's id.</param>
    /// <param name="markBits">Width of its mark.</param>
    public StartRequest(MarkedPosition asked, int markBits)
        : base(maxBytes: 0, confirmed: false) => (_asked, _markBits) = (asked, markBits);

    /// <param name="from">The client has no position: it begins here, or with the oldest event that is left.</param>
    public StartRequest(Position from)
        : base(maxBytes: 0, confirmed: true) => (_found, Clamp) = (from, true);

    public override bool Clamp { get; }

    public override long After => _found?.Offset ?? _asked.Offset;

    public Task<StreamStart> Completion => _completion.Task;

    public override bool Fits(Epoch epoch) => _found is { } found
        ? found.Epoch == epoch || found == default
        : _asked.Mark == epoch.Mark(_markBits) || _asked == default;

    public override void MoveTo(Position position) => _found = position;

    public override void Complete(LogEntry[] entries) => _completion.TrySetResult(
        entries is [{ GapReason: not null } gap] ? new StreamStart(Repeat(gap.Position.Epoch), gap) : new StreamStart(_found!.Value, null));

    public override void Fail(Exception exception) => _completion.TrySetException(exception);

    // Ids that are sent before the gap repeat the client's position, and their marks may be wider than those of its id.
    private Position Repeat(Epoch current) => Clamp
        ? _found!.Value
        : _asked.Mark == current.Mark(_markBits) ? new Position(current, _asked.Offset) : _asked.Repeat(_markBits);
}
