using System.IO.Pipelines;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// A connection's output that can answer in the server's place. What Kestrel refuses before any middleware sees it (a
/// request line that is too long, headers that are none, a head that does not come) it answers with a bare status.
/// <see cref="ServerRefusals"/> is told of each refusal before it is written, and says here what is to be sent instead.
/// </summary>
internal sealed class RefusalOutput(PipeWriter inner, ClientConnection client) : PipeWriter
{
    private static readonly TimeSpan s_lastFlush = TimeSpan.FromSeconds(10);

    private byte[]? _answer;
    private Memory<byte> _head;
    private bool _answered;
    private int _flushing;
    private volatile TaskCompletionSource? _flushed;

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

    /// <summary>
    /// Waits until no flush is under way. The server does not wait for that of its last frame of HTTP/2, which is over when the system has
    /// taken it, and TLS around it does not end while somebody writes: it throws.
    /// </summary>
    /// <returns>False when that took too long.</returns>
    public async Task<bool> FlushedAsync(TimeProvider time)
    {
        try
        {
            while (Volatile.Read(ref _flushing) > 0)
            {
                var flushed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _flushed = flushed;
                Interlocked.MemoryBarrier();
                if (Volatile.Read(ref _flushing) > 0)
                {
                    await flushed.Task.WaitAsync(s_lastFlush, time);
                }
            }

            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async ValueTask<FlushResult> AwaitAsync(ValueTask<FlushResult> flush)
    {
        Interlocked.Increment(ref _flushing);
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
        finally
        {
            if (Interlocked.Decrement(ref _flushing) == 0)
            {
                _flushed?.TrySetResult();
            }
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
