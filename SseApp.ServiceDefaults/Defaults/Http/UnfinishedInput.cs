using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// Reports the end of what a client sends after everything before it has been looked at. Kestrel takes an end that comes
/// together with the last bytes of a body for an end within the body, and refuses a publish that is all there. An end that is
/// within the body it takes for a client that has left, and resets the connection; here reading fails with what the client did
/// wrong, and it gets its answer.
/// </summary>
/// <param name="inner">The connection's.</param>
/// <param name="client">Who wants to know why reading fails, or null.</param>
/// <param name="frames">Finds the frames of HTTP/2, or null.</param>
internal sealed class UnfinishedInput(PipeReader inner, ClientConnection? client = null, FrameReader? frames = null) : PipeReader
{
    /// <summary>What a client is told that says no more within a body.</summary>
    public const string BodyEnded = "The body ended before it was complete.";

    private ReadOnlySequence<byte> _buffer;
    private FrameReader? _frames = frames;
    // Of what was left in the buffer, so much has been looked at.
    private long _examined;
    private long _left;
    private long _received;

    // Of the body of the request that is handled, so much has not been consumed; of one in chunks nobody knows.
    private long _body;
    private bool _broken;

    /// <summary>Bytes that the server has been shown.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>The client said no more within the body of its request.</summary>
    public bool IsBroken => _broken;

    /// <summary>Since the last byte of an answer a head has come with a header of the name under which the server keeps a length.</summary>
    public bool HasKeptLength { get; set; }

    /// <summary>Bytes of a body that have not been consumed; 0 if that is not known, as of chunks.</summary>
    public long Body => _body;

    /// <summary>What comes next is a body of so many bytes.</summary>
    public void BeginBody(long length) => _body = length;

    /// <summary>The request has been handled, which may have left some of its body to the server.</summary>
    public void EndBody()
    {
        // Of chunks it is not known here whether what comes next is a head.
        if (_body > long.MaxValue / 2 && !_broken)
        {
            _body = 0;
        }
    }

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
        HasKeptLength |= KeptLength.TakeSeen();
        var left = _buffer.Slice(consumed);
        _body = Math.Max(0, _body - (_buffer.Length - left.Length));
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
        if (_frames is not null && length > _left && !_frames.Read(_buffer.Slice(_left)))
        {
            _frames = null;
        }

        Volatile.Write(ref _received, _received + length - _left);
        _left = length;
        if (!result.IsCompleted)
        {
            return result;
        }

        if (length > _examined)
        {
            return new ReadResult(result.Buffer, result.IsCanceled, isCompleted: false);
        }

        if (_body == 0)
        {
            return result;
        }

        _broken = true;
        inner.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        throw new BadHttpRequestException(BodyEnded);
    }
}
