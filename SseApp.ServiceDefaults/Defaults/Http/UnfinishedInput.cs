using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// Reports the end of what a client sends after everything before it has been looked at. Kestrel takes an end that comes
/// together with the last bytes of a body for an end within the body, and refuses a publish that is all there.
/// </summary>
internal sealed class UnfinishedInput(PipeReader inner) : PipeReader
{
    private ReadOnlySequence<byte> _buffer;
    // Of what was left in the buffer, so much has been looked at.
    private long _examined;
    private volatile bool _hasByte;

    public bool HasByte => _hasByte;

    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out result))
        {
            return false;
        }

        result = Show(result);
        return true;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var reading = inner.ReadAsync(cancellationToken);
        return reading.IsCompletedSuccessfully ? new ValueTask<ReadResult>(Show(reading.Result)) : AwaitAsync(reading);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _examined = _buffer.Slice(consumed, examined).Length;
        _buffer = default;
        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> AwaitAsync(ValueTask<ReadResult> reading) => Show(await reading);

    private ReadResult Show(ReadResult result)
    {
        _buffer = result.Buffer;
        if (!_hasByte && !_buffer.IsEmpty)
        {
            _hasByte = true;
        }

        return result.IsCompleted && result.Buffer.Length > _examined ? new ReadResult(result.Buffer, result.IsCanceled, isCompleted: false) : result;
    }
}
