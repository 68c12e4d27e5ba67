using SseApp.ServiceDefaults.Cluster.Writers;

namespace SseApp.ServiceDefaults.Cluster.Relay;

/// <summary>
/// Frames that wait to be sent, in order. A payload stands in it once, with the ids of the streams that get it; DATA frames
/// for the same streams that wait behind each other become one. Its owner locks.
/// </summary>
internal sealed class FrameBuffer
{
    private const int DataHeader = RelayProtocol.HeaderLength + 4;
    private const int InitialBuffer = 4 * 1024;
    private const int MaxPayload = 64 * 1024;

    private byte[] _bytes = new byte[InitialBuffer];
    private int _start;
    private int _end;

    // Start of the DATA frame that still takes ids, and of the whole one before it; -1 for none.
    private int _open = -1;
    private int _lastData = -1;
    private SendBuffer? _openSource;
    private int _openVersion;
    private long _frames;

    /// <summary>Bytes that wait.</summary>
    public int Length => _end - _start;

    public bool IsEmpty => _start == _end;

    /// <summary>Adds a frame other than DATA.</summary>
    public void Add(RelayFrameType type, ReadOnlySpan<byte> body)
    {
        Seal();
        var frame = Reserve(RelayProtocol.HeaderLength + body.Length);
        BinaryPrimitives.WriteInt32LittleEndian(frame, body.Length + 1);
        frame[4] = (byte)type;
        body.CopyTo(frame[RelayProtocol.HeaderLength..]);
        _lastData = -1;
    }

    /// <summary>Adds a payload for a stream; if it is the one that was added last, only the stream's id.</summary>
    /// <param name="id">The stream's.</param>
    /// <param name="frame">
    /// Kept with the stream for as long as it has this id, at first 0. A frame names a stream once: of two that name it
    /// twice, made one, it would get the first payload, the second, the first and the second.
    /// </param>
    /// <param name="buffer">At least one byte.</param>
    public void AddData(int id, ref long frame, SendBuffer buffer)
    {
        if (_open < 0 || !IsOpenPayload(buffer) || frame == _frames || _end - _open >= RelayProtocol.MaxDataLength - 4)
        {
            Seal();
            Begin(buffer);
        }

        BinaryPrimitives.WriteInt32LittleEndian(Reserve(4), id);
        frame = _frames;
    }

    /// <summary>Ends the frame that takes ids, and makes it one with the frame before it if both go to the same streams.</summary>
    public void Seal()
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

    /// <summary>The whole frame that begins so many bytes behind the first one; all frames are sealed.</summary>
    public ReadOnlySpan<byte> FrameAt(int offset)
    {
        var frame = _bytes.AsSpan(_start + offset, Length - offset);
        return frame[..(BinaryPrimitives.ReadInt32LittleEndian(frame) + 4)];
    }

    /// <summary>Streams that a frame's payload goes to.</summary>
    public static int Deliveries(ReadOnlySpan<byte> frame) =>
        frame[4] == (byte)RelayFrameType.Data
            ? (frame.Length - DataHeader - BinaryPrimitives.ReadInt32LittleEndian(frame[RelayProtocol.HeaderLength..])) / 4
            : 0;

    /// <summary>Moves the first frames out of the buffer.</summary>
    /// <param name="target">As long as the frames are.</param>
    /// <param name="kept">A buffer that is empty afterwards and larger than this is released.</param>
    public void Take(Span<byte> target, int kept)
    {
        _bytes.AsSpan(_start, target.Length).CopyTo(target);
        _start += target.Length;
        _lastData = _lastData < _start ? -1 : _lastData;
        if (IsEmpty)
        {
            (_start, _end) = (0, 0);
            _bytes = _bytes.Length > kept ? new byte[InitialBuffer] : _bytes;
        }
    }

    /// <summary>Drops the frames and their memory.</summary>
    public void Clear() => (_bytes, _start, _end, _open, _lastData, _openSource) = ([], 0, 0, -1, -1, null);

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
