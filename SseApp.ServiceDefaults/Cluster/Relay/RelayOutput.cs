using System.Buffers.Binary;
using SseApp.ServiceDefaults.Cluster.Writers;

namespace SseApp.ServiceDefaults.Cluster.Relay;

/// <summary>
/// What one side of a relay connection has to send. Bytes that several streams get stand in it once, with the ids of
/// the streams; frames for the same streams that wait behind each other become one. So a gateway that is busy gets
/// fewer and larger frames, and the way to it never holds more than the window.
/// </summary>
/// <param name="stream">The connection.</param>
/// <param name="window">Cost of what may be on its way, see <see cref="RelayProtocol.Cost"/>; a single frame may exceed it.</param>
internal sealed partial class RelayOutput(Stream stream, long window)
{
    /// <summary>Bytes that may wait here before writers of data are held back.</summary>
    public const int HighWater = 1024 * 1024;

    private const int MaxPayload = 64 * 1024;
    private const int KeptBuffer = 256 * 1024;

    private readonly Lock _gate = new();
    private readonly SendBuffer _control = new(512);
    private byte[] _bytes = new byte[4 * 1024];
    private byte[] _sending = [];
    private int _start;
    private int _end;
    private int _taken;
    private long _unacknowledged;
    private bool _isSending;
    private bool _failed;
    private TaskCompletionSource<bool>? _room;
    private TaskCompletionSource? _sent;

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

            Seal();
            var frame = Reserve(RelayProtocol.HeaderLength + _control.Length);
            BinaryPrimitives.WriteInt32LittleEndian(frame, _control.Length + 1);
            frame[4] = (byte)type;
            _control.Payload.CopyTo(frame[RelayProtocol.HeaderLength..]);
            _lastData = -1;
            return true;
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
            if (!_isSending && _start == _end)
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
                (_bytes, _start, _end, _open, _lastData) = ([], 0, 0, -1, -1);
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
            // Whoever reads from the connection finds out as well, and ends it.
            Fail();
        }
    }

    private bool TakeMore()
    {
        lock (_gate)
        {
            _isSending = !_failed && Take();
            if (!_isSending && _start == _end)
            {
                _sent?.TrySetResult();
                _sent = null;
            }

            return _isSending;
        }
    }
}
