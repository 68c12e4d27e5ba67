using System.IO.Pipelines;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// A connection's output that can answer in the server's place. What Kestrel refuses before any middleware sees it (a
/// request line that is too long, headers that are none, a head that does not come) it answers with a bare status.
/// <see cref="ServerRefusals"/> is told of each refusal before it is written, and says here what is to be sent instead.
/// </summary>
internal sealed class RefusalOutput(PipeWriter inner, ClientConnection client) : PipeWriter
{
    private byte[]? _answer;
    private Memory<byte> _head;
    private bool _answered;

    /// <summary>Sends this instead of the next head that the server writes; the connection ends with it.</summary>
    public void AnswerInstead(byte[] answer) => _answer ??= answer;

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => _answer is null ? inner.GetMemory(sizeHint) : _head = inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => _answer is null ? inner.GetSpan(sizeHint) : GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        if (_answer is null)
        {
            client.OnSent();
            inner.Advance(bytes);
        }
        else if (!_answered && _head.Length >= bytes && _head.Span[..bytes].StartsWith("HTTP/1.1 "u8))
        {
            _answered = true;
            _answer.CopyTo(inner.GetMemory(_answer.Length));
            inner.Advance(_answer.Length);
        }
        else if (!_answered)
        {
            // Encrypted, or within a response: not what was announced.
            inner.Advance(bytes);
        }
    }

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        var flush = inner.FlushAsync(cancellationToken);
        return flush.IsCompletedSuccessfully ? new ValueTask<FlushResult>(Check(flush.Result)) : AwaitAsync(flush);
    }

    private async ValueTask<FlushResult> AwaitAsync(ValueTask<FlushResult> flush)
    {
        var since = Environment.TickCount64;
        try
        {
            var result = await flush;
            if (!result.IsCompleted)
            {
                return result;
            }

            client.OnUntaken(TimeSpan.FromMilliseconds(Environment.TickCount64 - since));
            return Check(result);
        }
        catch (Exception exception)
        {
            client.OnUntaken(TimeSpan.FromMilliseconds(Environment.TickCount64 - since), exception);
            throw;
        }
    }

    private FlushResult Check(FlushResult result)
    {
        if (result.IsCompleted)
        {
            client.OnGone();
        }

        return result;
    }
}
