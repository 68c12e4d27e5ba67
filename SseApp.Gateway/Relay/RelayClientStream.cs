using System.Diagnostics;
using SseApp.ServiceDefaults.Cluster.Relay;

namespace SseApp.Gateway.Relay;

/// <summary>How a relayed stream ended.</summary>
internal enum RelayEnd
{
    /// <summary>The replica ended it, or the gateway stops: the response ends as it should.</summary>
    Clean,

    /// <summary>The replica cut it off, or what is left could not be sent in time: the client's connection is cut.</summary>
    Cut,

    /// <summary>The client left.</summary>
    Left,

    /// <summary>The connection to the replica broke; the response ends as it should, and the client resumes elsewhere.</summary>
    Broken,
}

/// <summary>
/// One client's stream on a relay connection. The connection's reader writes to the client at once; only while a write
/// is under way, or the response has not begun, bytes wait here, shared with other streams that wait for the same.
/// </summary>
internal sealed class RelayClientStream(RelayClientConnection link, int id, bool counts)
{
    private const int MaxSend = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<RelayEnd> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource<RelayHead>? _head = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IStreamWriter? _writer;
    private Queue<byte[]>? _waiting;
    private int _waitingBytes;
    private bool _sending;
    private bool _blocked;
    private bool _closed;
    private long _since;
    private RelayEnd? _end;

    public int Id => id;

    /// <summary>It is a client's, and not the canary's.</summary>
    public bool Counts => counts;

    /// <summary>Events sent to the client, or waiting for it.</summary>
    public long Events { get; private set; }

    /// <summary>Bytes of them, without chunk frames.</summary>
    public long Bytes { get; private set; }

    /// <summary>Bytes have come that go out as soon as the response has begun.</summary>
    public bool HasWaiting
    {
        get
        {
            lock (_gate)
            {
                return _waiting is { Count: > 0 };
            }
        }
    }

    /// <summary>Completes when nothing writes to the client any more.</summary>
    public Task<RelayEnd> Completion => _completion.Task;

    /// <summary>The head of the response; fails with an <see cref="IOException"/> when the connection breaks before.</summary>
    public async Task<RelayHead> ReadHeadAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        var head = await _head!.Task.WaitAsync(limit, cancellationToken);
        _head = null;
        return head;
    }

    public void OnHead(RelayHead head)
    {
        if (_head?.TrySetResult(head) == false)
        {
            throw new RelayProtocolException($"Stream {id} got a second head.");
        }
    }

    /// <summary>The response has begun: what waits, and what comes from now on, goes to <paramref name="writer"/>.</summary>
    public void Start(IStreamWriter writer)
    {
        lock (_gate)
        {
            _writer = writer;
            if (_waiting is { Count: > 0 })
            {
                BeginSending();
                _ = DrainAsync(new ValueTask<bool>(true));
            }
            else if (_end is { } end)
            {
                _completion.TrySetResult(end);
            }
        }
    }

    /// <summary>Sends bytes to the client, or keeps them for it.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <param name="copy">A copy that all streams that must wait share; made by the first.</param>
    /// <param name="events">Events in them.</param>
    public void Deliver(SendBuffer buffer, ref byte[]? copy, int events)
    {
        lock (_gate)
        {
            if (_end is not null)
            {
                return;
            }

            Events += events;
            Bytes += buffer.Length;
            if (_writer is null || _sending)
            {
                (_waiting ??= []).Enqueue(copy ??= buffer.Payload.ToArray());
                _waitingBytes += copy.Length;
                if (_waitingBytes > link.Options.BlockBytes)
                {
                    ReportBlocked();
                }

                return;
            }

            var send = Send(buffer);
            if (!send.IsCompletedSuccessfully)
            {
                BeginSending();
                _ = DrainAsync(send);
            }
            else if (!send.Result)
            {
                EndAtOnce(RelayEnd.Left);
            }
        }
    }

    /// <summary>The replica ended the stream; what waits is sent before it is over.</summary>
    public void OnEnd(bool clean)
    {
        _head?.TrySetException(new IOException("The replica ended the stream before its response began."));
        lock (_gate)
        {
            _closed = true;
            EndAfterWaiting(clean ? RelayEnd.Clean : RelayEnd.Cut);
        }
    }

    /// <summary>The connection broke.</summary>
    /// <returns>True when the response had begun, and nobody else had ended it.</returns>
    public bool OnBroken(Exception exception)
    {
        _head?.TrySetException(new IOException("The connection to the replica broke before the response began.", exception));
        lock (_gate)
        {
            _closed = true;
            var lost = _writer is not null && _end is null;
            EndAfterWaiting(RelayEnd.Broken);
            return lost;
        }
    }

    /// <summary>
    /// The client left, or the gateway ends the stream: nothing more is taken from the replica. A write under way must
    /// end first, or the response would go on in the middle of a chunk; to a client that left it fails by itself.
    /// </summary>
    public void Leave()
    {
        lock (_gate)
        {
            ReportClosed();
            (_waiting, _waitingBytes) = (null, 0);
            EndAfterWaiting(RelayEnd.Clean);
        }
    }

    /// <summary>No response has begun, and none will.</summary>
    public void Drop()
    {
        lock (_gate)
        {
            EndAtOnce(RelayEnd.Left);
        }
    }

    /// <summary>Looks after a client that does not read.</summary>
    public void Check(long now, long blockAfter)
    {
        lock (_gate)
        {
            if (_sending && _end is null && now - _since > blockAfter)
            {
                ReportBlocked();
            }
        }
    }

    // Writing to a client that is slower than its stream, and the end. The gate is held but where it says otherwise.

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
                    ReportReady();
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
        ReportClosed();
        _end = end;
        (_waiting, _waitingBytes) = (null, 0);
        _completion.TrySetResult(end);
    }

    private void ReportBlocked()
    {
        if (!_blocked && !_closed)
        {
            _blocked = true;
            link.Report(this, blocked: true);
        }
    }

    private void ReportReady()
    {
        if (_blocked && !_closed)
        {
            _blocked = false;
            link.Report(this, blocked: false);
        }
    }

    private void ReportClosed()
    {
        if (!_closed)
        {
            _closed = true;
            link.ReportClosed(this);
        }
    }
}
