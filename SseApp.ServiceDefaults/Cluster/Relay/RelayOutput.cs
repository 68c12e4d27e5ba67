using SseApp.ServiceDefaults.Cluster.Writers;

namespace SseApp.ServiceDefaults.Cluster.Relay;

/// <summary>
/// What one side of a relay connection has to send. What waits is made into fewer and larger frames (see
/// <see cref="FrameBuffer"/>), and the way to the peer never holds more than the window.
/// </summary>
/// <param name="stream">The connection.</param>
/// <param name="window">Cost of what may be on its way, see <see cref="RelayProtocol.Cost"/>; a single frame may exceed it.</param>
/// <param name="maxControl">Bytes of frames other than DATA that may wait: a peer that asks and does not read gets no more.</param>
internal sealed class RelayOutput(Stream stream, long window, int maxControl = RelayOutput.MaxControlBytes)
{
    /// <summary>Enough for the heads and ends of as many streams as a connection has, twice.</summary>
    public const int MaxControlBytes = 4 * 1024 * 1024;

    /// <summary>Bytes that may wait here before writers of data are held back.</summary>
    public const int HighWater = 1024 * 1024;

    private const int KeptBuffer = 256 * 1024;

    private readonly Lock _gate = new();
    private readonly SendBuffer _control = new(512);
    private readonly FrameBuffer _frames = new();
    private byte[] _sending = [];
    private int _taken;
    private long _unacknowledged;
    private bool _isSending;
    private bool _failed;
    private int _controlWaiting;
    private int _flushQueued;
    private TaskCompletionSource<bool>? _room;
    private TaskCompletionSource? _sent;

    /// <summary>More frames than allowed wait for a peer that does not read; the connection must end.</summary>
    public bool IsOverflowed { get; private set; }

    /// <summary>In the list of outputs that a shard will flush; touched only by the shard's loop.</summary>
    public bool FlushScheduled { get; set; }

    /// <summary>Adds a frame without fields but an id.</summary>
    public void Append(RelayFrameType type, int id) => Append(type, id, static (writer, value) => RelayHeaders.WriteNumber(writer, value));

    /// <summary>Adds a frame.</summary>
    /// <returns>False when the connection takes nothing more, or the frame would be too long for the peer.</returns>
    public bool Append<T>(RelayFrameType type, T state, Action<SendBuffer, T> write)
    {
        lock (_gate)
        {
            if (_failed)
            {
                return false;
            }

            _control.Clear();
            write(_control, state);
            if (_control.Length >= RelayProtocol.MaxControlLength)
            {
                return false;
            }

            _controlWaiting += RelayProtocol.HeaderLength + _control.Length;
            if (_controlWaiting > maxControl)
            {
                IsOverflowed = true;
                Fail();
                return false;
            }

            _frames.Add(type, _control.Payload);
            return true;
        }
    }

    /// <summary>Adds bytes for a stream.</summary>
    /// <param name="id">The stream's.</param>
    /// <param name="frame">Kept with the stream, see <see cref="FrameBuffer.AddData"/>.</param>
    /// <param name="buffer">At least one byte.</param>
    /// <returns>
    /// False when the connection takes nothing more. Completes at once, and otherwise when there is room for more: what
    /// was given is taken in any case.
    /// </returns>
    public ValueTask<bool> AppendData(int id, ref long frame, SendBuffer buffer)
    {
        lock (_gate)
        {
            if (_failed)
            {
                return new ValueTask<bool>(false);
            }

            _frames.AddData(id, ref frame, buffer);
            if (_frames.Length < HighWater)
            {
                return new ValueTask<bool>(true);
            }

            _room ??= new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            return new ValueTask<bool>(_room.Task);
        }
    }

    /// <summary>Sends what was added, unless that is under way; what is added meanwhile follows.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            if (_isSending || _failed || !Take())
            {
                return;
            }

            _isSending = true;
        }

        _ = SendAsync();
    }

    /// <summary>
    /// Sends what was added when those who wait for the processor have had it: what they add goes out in the same write. A write costs
    /// as much as all else that a short request costs here.
    /// </summary>
    public void FlushSoon()
    {
        if (Interlocked.Exchange(ref _flushQueued, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                static output =>
                {
                    Volatile.Write(ref output._flushQueued, 0);
                    output.Flush();
                },
                this,
                preferLocal: false);
        }
    }

    /// <summary>The peer is done with that much.</summary>
    public void Acknowledge(long cost)
    {
        lock (_gate)
        {
            _unacknowledged = Math.Max(0, _unacknowledged - cost);
        }

        Flush();
    }

    /// <summary>Completes when nothing waits to be sent any more.</summary>
    public Task WhenSentAsync()
    {
        lock (_gate)
        {
            if (!_isSending && _frames.IsEmpty)
            {
                return Task.CompletedTask;
            }

            _sent ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _sent.Task;
        }
    }

    /// <summary>Nothing can be sent any more.</summary>
    public void Fail()
    {
        lock (_gate)
        {
            if (!_failed)
            {
                _failed = true;
                _frames.Clear();
                _room?.TrySetResult(false);
                _sent?.TrySetResult();
            }
        }
    }

    private async Task SendAsync()
    {
        try
        {
            do
            {
                await stream.WriteAsync(_sending.AsMemory(0, _taken), CancellationToken.None);
                await stream.FlushAsync(CancellationToken.None);
            }
            while (TakeMore());
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
        {
            // The reader of the connection notices too, and ends it.
            Fail();
        }
    }

    private bool TakeMore()
    {
        lock (_gate)
        {
            _isSending = !_failed && Take();
            if (!_isSending && _frames.IsEmpty)
            {
                _sent?.TrySetResult();
                _sent = null;
            }

            return _isSending;
        }
    }

    /// <summary>Moves as many frames as the window allows to where they are sent from.</summary>
    private bool Take()
    {
        _frames.Seal();
        _taken = 0;
        while (_taken < _frames.Length)
        {
            var frame = _frames.FrameAt(_taken);
            var cost = RelayProtocol.Cost(frame.Length, FrameBuffer.Deliveries(frame));
            if (_unacknowledged > 0 && _unacknowledged + cost > window)
            {
                break;
            }

            _unacknowledged += cost;
            _taken += frame.Length;
            _controlWaiting -= frame[4] == (byte)RelayFrameType.Data ? 0 : frame.Length;
        }

        if (_taken == 0)
        {
            return false;
        }

        if (_sending.Length < _taken || (_sending.Length > KeptBuffer && _taken <= KeptBuffer))
        {
            _sending = new byte[_taken];
        }

        _frames.Take(_sending.AsSpan(0, _taken), KeptBuffer);
        if (_frames.Length < HighWater / 2)
        {
            _room?.TrySetResult(true);
            _room = null;
        }

        return true;
    }
}
