using System.Buffers.Binary;
using SseApp.ServiceDefaults.Cluster.Writers;

namespace SseApp.ServiceDefaults.Cluster.Relay;

/// <content>DATA frames: one payload, many streams.</content>
internal sealed partial class RelayOutput
{
    private const int DataHeader = RelayProtocol.HeaderLength + 4;

    // Start of the DATA frame that still takes ids, and of the whole one before it; -1 for none.
    private int _open = -1;
    private int _lastData = -1;
    private SendBuffer? _openSource;
    private int _openVersion;
    private long _frames;

    /// <summary>Adds bytes for a stream; if they are those that were added last, only its id.</summary>
    /// <param name="id">The stream's.</param>
    /// <param name="frame">
    /// Kept with the stream for as long as it has this id, at first 0. A frame names a stream once: of two that name it
    /// twice, made one, it would get the first payload, the second, the first and the second.
    /// </param>
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

            if (_open < 0 || !IsOpenPayload(buffer) || frame == _frames || _end - _open >= RelayProtocol.MaxDataLength - 4)
            {
                Seal();
                Begin(buffer);
            }

            BinaryPrimitives.WriteInt32LittleEndian(Reserve(4), id);
            frame = _frames;
            if (_end - _start < HighWater)
            {
                return new ValueTask<bool>(true);
            }

            _room ??= new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            return new ValueTask<bool>(_room.Task);
        }
    }

    private bool IsOpenPayload(SendBuffer buffer)
    {
        if (ReferenceEquals(buffer, _openSource) && buffer.Version == _openVersion)
        {
            return true;
        }

        // Clients that were behind are written to one by one, often with the same bytes.
        var length = BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(_open + RelayProtocol.HeaderLength));
        return length == buffer.Length && _bytes.AsSpan(_open + DataHeader, length).SequenceEqual(buffer.Payload);
    }

    private void Begin(SendBuffer buffer)
    {
        var payload = buffer.Payload;
        var frame = Reserve(DataHeader + payload.Length);
        frame[4] = (byte)RelayFrameType.Data;
        BinaryPrimitives.WriteInt32LittleEndian(frame[RelayProtocol.HeaderLength..], payload.Length);
        payload.CopyTo(frame[DataHeader..]);
        _open = _end - frame.Length;
        (_openSource, _openVersion) = (buffer, buffer.Version);
        _frames++;
    }

    /// <summary>Ends the frame that takes ids, and makes it one with the frame before it if both go to the same streams.</summary>
    private void Seal()
    {
        if (_open < 0)
        {
            return;
        }

        if (!TryMerge())
        {
            BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(_open), _end - _open - 4);
            _lastData = _open;
        }

        (_open, _openSource) = (-1, null);
    }

    private bool TryMerge()
    {
        if (_lastData < 0)
        {
            return false;
        }

        var last = _bytes.AsSpan(_lastData, _open - _lastData);
        var open = _bytes.AsSpan(_open, _end - _open);
        var lastLength = BinaryPrimitives.ReadInt32LittleEndian(last[RelayProtocol.HeaderLength..]);
        var openLength = BinaryPrimitives.ReadInt32LittleEndian(open[RelayProtocol.HeaderLength..]);
        var ids = last[(DataHeader + lastLength)..];
        if (lastLength + openLength > MaxPayload || !ids.SequenceEqual(open[(DataHeader + openLength)..]))
        {
            return false;
        }

        // The second payload, with the ids behind it, takes the place of the first frame's ids.
        var idsLength = ids.Length;
        open[DataHeader..].CopyTo(_bytes.AsSpan(_lastData + DataHeader + lastLength));
        _end -= DataHeader + idsLength;
        BinaryPrimitives.WriteInt32LittleEndian(last, _end - _lastData - 4);
        BinaryPrimitives.WriteInt32LittleEndian(last[RelayProtocol.HeaderLength..], lastLength + openLength);
        return true;
    }

    /// <summary>Moves as many frames as the window allows to where they are sent from.</summary>
    private bool Take()
    {
        Seal();
        _taken = 0;
        while (_start + _taken < _end)
        {
            var frame = _bytes.AsSpan(_start + _taken);
            var length = BinaryPrimitives.ReadInt32LittleEndian(frame) + 4;
            var cost = RelayProtocol.Cost(length, Deliveries(frame[..length]));
            if (_unacknowledged > 0 && _unacknowledged + cost > window)
            {
                break;
            }

            _unacknowledged += cost;
            _taken += length;
        }

        if (_taken == 0)
        {
            return false;
        }

        if (_sending.Length < _taken || (_sending.Length > KeptBuffer && _taken <= KeptBuffer))
        {
            _sending = new byte[_taken];
        }

        _bytes.AsSpan(_start, _taken).CopyTo(_sending);
        _start += _taken;
        _lastData = _lastData < _start ? -1 : _lastData;
        if (_start == _end)
        {
            (_start, _end) = (0, 0);
            _bytes = _bytes.Length > KeptBuffer ? new byte[4 * 1024] : _bytes;
        }

        if (_end - _start < HighWater / 2)
        {
            _room?.TrySetResult(true);
            _room = null;
        }

        return true;
    }

    private static int Deliveries(ReadOnlySpan<byte> frame) =>
        frame[4] == (byte)RelayFrameType.Data
            ? (frame.Length - DataHeader - BinaryPrimitives.ReadInt32LittleEndian(frame[RelayProtocol.HeaderLength..])) / 4
            : 0;

    private Span<byte> Reserve(int count)
    {
        if (_end + count > _bytes.Length)
        {
            var waiting = _bytes.AsSpan(_start, _end - _start);
            var target = waiting.Length + count > _bytes.Length / 2 ? new byte[(waiting.Length + count) * 2] : _bytes;
            waiting.CopyTo(target);
            _open -= _open < 0 ? 0 : _start;
            _lastData -= _lastData < 0 ? 0 : _start;
            (_bytes, _end, _start) = (target, waiting.Length, 0);
        }

        _end += count;
        return _bytes.AsSpan(_end - count, count);
    }
}
