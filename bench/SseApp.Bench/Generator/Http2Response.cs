using System.Buffers.Binary;

namespace SseApp.Bench.Generator;

/// <summary>A stream over an HTTP/2 connection of its own: the one request, and the frames that come.</summary>
internal sealed class Http2Response
{
    private const int HeadLength = 9;
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte Reset = 3;
    private const byte Settings = 4;
    private const byte Ping = 6;
    private const byte EndStream = 1;
    private const byte Acknowledged = 1;
    private const byte EndHeaders = 4;
    private const byte Padded = 8;
    private const byte Prioritized = 0x20;
    private const int Largest = int.MaxValue;
    private const int DefaultWindow = 65_535;
    private const int MaxKept = 16 * 1024;

    // Indexes of the static table (RFC 7541, appendix A), which begins the statuses at 8 with 200.
    private static readonly int[] s_statuses = [200, 204, 206, 304, 400, 404, 500];

    private readonly byte[] _head = new byte[HeadLength];
    private int _headLength;
    private int _left;
    private byte[] _kept = [];
    private int _keptLength;

    /// <summary>What of a connection's beginning to the request goes out at once: windows are so large that none has to be moved.</summary>
    public static byte[] Request(string authority, string path, string? lastEventId)
    {
        List<byte> fields = [0x82, 0x87];
        Field(fields, [0x01], authority);
        Field(fields, [0x04], path);
        Field(fields, [0x0f, 0x04], "text/event-stream");
        if (lastEventId is not null)
        {
            List<byte> name = [0x00];
            Text(name, "last-event-id");
            Field(fields, name, lastEventId);
        }

        List<byte> bytes = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8];
        // No pushes; the largest window of a stream.
        Frame(bytes, Settings, 0, 0, [0, 2, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff]);
        var window = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(window, Largest - DefaultWindow);
        Frame(bytes, 8, 0, 0, window);
        Frame(bytes, Headers, EndStream | EndHeaders, 1, [.. fields]);
        return [.. bytes];
    }

    /// <param name="stream">What the frames say is noted there.</param>
    /// <param name="bytes">What was received.</param>
    /// <param name="body">Gets the body.</param>
    /// <param name="send">Sends an answer to the server's own frames.</param>
    public void Feed(StreamClient stream, ReadOnlySpan<byte> bytes, Body body, Action<byte[]> send)
    {
        while (!bytes.IsEmpty)
        {
            if (_headLength < HeadLength)
            {
                var part = bytes[..Math.Min(bytes.Length, HeadLength - _headLength)];
                part.CopyTo(_head.AsSpan(_headLength));
                _headLength += part.Length;
                bytes = bytes[part.Length..];
                if (_headLength < HeadLength)
                {
                    return;
                }

                _left = (_head[0] << 16) | (_head[1] << 8) | _head[2];
                _keptLength = 0;
            }

            var piece = bytes[..Math.Min(bytes.Length, _left)];
            _left -= piece.Length;
            bytes = bytes[piece.Length..];
            if (_head[3] == Data && (_head[4] & Padded) == 0)
            {
                body(piece);
            }
            else
            {
                Keep(piece);
            }

            if (_left > 0)
            {
                return;
            }

            _headLength = 0;
            EndOfFrame(stream, body, send);
        }
    }

    private void EndOfFrame(StreamClient stream, Body body, Action<byte[]> send)
    {
        var (type, flags) = (_head[3], _head[4]);
        var payload = _kept.AsSpan(0, _keptLength);
        switch (type)
        {
            case Data when (flags & Padded) != 0:
                body(payload[1..^payload[0]]);
                break;
            case Headers when stream.Status == 0:
                var start = ((flags & Padded) != 0 ? 1 : 0) + ((flags & Prioritized) != 0 ? 5 : 0);
                stream.Status = StatusOf(payload[start..]);
                stream.Part = ResponsePart.Body;
                break;
            case Settings when (flags & Acknowledged) == 0:
                send(Frame(Settings, Acknowledged, []));
                break;
            case Ping when (flags & Acknowledged) == 0:
                send(Frame(Ping, Acknowledged, payload.ToArray()));
                break;
            case Reset:
                stream.IsReset = true;
                break;
        }

        if (type is Data or Headers && (flags & EndStream) != 0)
        {
            stream.Part = ResponsePart.Ended;
        }
    }

    /// <summary>The first field is the status, behind changes of the table's size; what is not in the static table is told as 599.</summary>
    private static int StatusOf(ReadOnlySpan<byte> fields)
    {
        while (!fields.IsEmpty && (fields[0] & 0xe0) == 0x20)
        {
            var more = (fields[0] & 0x1f) == 0x1f;
            fields = fields[1..];
            while (more && !fields.IsEmpty)
            {
                more = (fields[0] & 0x80) != 0;
                fields = fields[1..];
            }
        }

        return !fields.IsEmpty && fields[0] is >= 0x88 and <= 0x8e ? s_statuses[fields[0] - 0x88] : 599;
    }

    private void Keep(ReadOnlySpan<byte> piece)
    {
        if (_keptLength + piece.Length > MaxKept + 256)
        {
            throw new BenchException("An HTTP/2 frame is longer than a server may send.");
        }

        if (_kept.Length < _keptLength + piece.Length)
        {
            Array.Resize(ref _kept, (_keptLength + piece.Length) * 2);
        }

        piece.CopyTo(_kept.AsSpan(_keptLength));
        _keptLength += piece.Length;
    }

    private static byte[] Frame(byte type, byte flags, byte[] payload)
    {
        List<byte> bytes = [];
        Frame(bytes, type, flags, 0, payload);
        return [.. bytes];
    }

    private static void Frame(List<byte> bytes, byte type, byte flags, byte stream, byte[] payload) =>
        bytes.AddRange([(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, 0, 0, 0, stream, .. payload]);

    private static void Field(List<byte> bytes, List<byte> name, string value)
    {
        bytes.AddRange(name);
        Text(bytes, value);
    }

    // Without Huffman's code: the first bit of the length is 0.
    private static void Text(List<byte> bytes, string value)
    {
        var length = value.Length;
        if (length < 0x7f)
        {
            bytes.Add((byte)length);
        }
        else
        {
            bytes.Add(0x7f);
            for (length -= 0x7f; length >= 0x80; length >>= 7)
            {
                bytes.Add((byte)(length | 0x80));
            }

            bytes.Add((byte)length);
        }

        bytes.AddRange(Encoding.ASCII.GetBytes(value));
    }

    /// <summary>Takes bytes of a body.</summary>
    internal delegate void Body(ReadOnlySpan<byte> bytes);
}
