using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// Reports the end of what a client sends after everything before it has been looked at. Kestrel takes an end that comes
/// together with the last bytes of a body for an end within the body, and refuses a publish that is all there.
/// </summary>
/// <param name="inner">The connection's.</param>
/// <param name="client">Who wants to know why reading fails, or null.</param>
internal sealed class UnfinishedInput(PipeReader inner, ClientConnection? client = null) : PipeReader
{
    private ReadOnlySequence<byte> _buffer;
    // Of what was left in the buffer, so much has been looked at.
    private long _examined;
    private long _left;
    private long _received;

    /// <summary>Bytes that the server has been shown.</summary>
    public long Received => Volatile.Read(ref _received);

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
        var left = _buffer.Slice(consumed);
        _left = left.Length;
        _examined = left.Slice(0, examined).Length;
        _buffer = default;
        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> AwaitAsync(ValueTask<ReadResult> reading)
    {
        try
        {
            return Show(await reading);
        }
        catch (Exception exception)
        {
            client?.OnUntaken(TimeSpan.Zero, exception);
            throw;
        }
    }

    private ReadResult Show(ReadResult result)
    {
        _buffer = result.Buffer;
        var length = _buffer.Length;
        Volatile.Write(ref _received, _received + length - _left);
        _left = length;
        return result.IsCompleted && length > _examined ? new ReadResult(result.Buffer, result.IsCanceled, isCompleted: false) : result;
    }
}
