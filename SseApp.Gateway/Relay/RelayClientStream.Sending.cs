using System.Diagnostics;
using SseApp.ServiceDefaults.Cluster.Writers;

namespace SseApp.Gateway.Relay;

/// <content>Writing to a client that is slower than its stream, and the end. The gate is held but where it says otherwise.</content>
internal sealed partial class RelayClientStream
{
    private const int MaxSend = 64 * 1024;

    private ValueTask<bool> Send(SendBuffer buffer)
    {
        try
        {
            return _writer!.SendAsync(buffer);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException or OperationCanceledException)
        {
            // The response is over: the client left.
            return new ValueTask<bool>(false);
        }
    }

    private void BeginSending()
    {
        _sending = true;
        _since = Stopwatch.GetTimestamp();
    }

    /// <summary>Without the gate: waits for the send under way and sends what has come meanwhile.</summary>
    private async Task DrainAsync(ValueTask<bool> send)
    {
        SendBuffer? buffer = null;
        while (true)
        {
            var there = false;
            try
            {
                there = await send;
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException or OperationCanceledException)
            {
                // The client left during the send.
            }

            lock (_gate)
            {
                if (!there)
                {
                    _sending = false;
                    EndAtOnce(RelayEnd.Left);
                    return;
                }

                if (_waiting is not { Count: > 0 })
                {
                    _sending = false;
                    TellReady();
                    if (_end is { } end)
                    {
                        _completion.TrySetResult(end);
                    }

                    return;
                }

                _since = Stopwatch.GetTimestamp();
                send = Send(TakeWaiting(ref buffer));
            }
        }
    }

    private SendBuffer TakeWaiting(ref SendBuffer? buffer)
    {
        buffer ??= new SendBuffer(Math.Min(_waitingBytes, MaxSend));
        buffer.Clear();
        while (buffer.Length < MaxSend && _waiting!.TryDequeue(out var bytes))
        {
            bytes.CopyTo(buffer.GetSpan(bytes.Length));
            buffer.Advance(bytes.Length);
            _waitingBytes -= bytes.Length;
        }

        if (_waiting!.Count == 0)
        {
            // A stream that keeps up again holds no queue.
            _waiting = null;
        }

        return buffer;
    }

    private void EndAfterWaiting(RelayEnd end)
    {
        if (_end is not null)
        {
            return;
        }

        _end = end;
        if (!_sending && _waiting is null)
        {
            _completion.TrySetResult(end);
        }
        else
        {
            _ = CutLaterAsync();
        }
    }

    /// <summary>Without the gate. The connection knows nothing of a stream that the replica has ended, so nobody else would.</summary>
    private async Task CutLaterAsync()
    {
        await Task.Delay(link.Options.CloseTimeout, TimeProvider.System, CancellationToken.None);
        lock (_gate)
        {
            if (!_completion.Task.IsCompleted)
            {
                EndAtOnce(RelayEnd.Cut);
            }
        }
    }

    private void EndAtOnce(RelayEnd end)
    {
        TellClosed();
        _end = end;
        (_waiting, _waitingBytes) = (null, 0);
        _completion.TrySetResult(end);
    }

    private void TellBlocked()
    {
        if (!_blocked && !_closed)
        {
            _blocked = true;
            link.Tell(this, blocked: true);
        }
    }

    private void TellReady()
    {
        if (_blocked && !_closed)
        {
            _blocked = false;
            link.Tell(this, blocked: false);
        }
    }

    private void TellClosed()
    {
        if (!_closed)
        {
            _closed = true;
            link.TellClosed(this);
        }
    }
}
