using System.Text;
using System.Text.Unicode;

namespace SseApp.Events.Log;

/// <summary>
/// Encodes an event once, at its publisher, into the bytes that every connection gets
/// (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream). The <c>id:</c> line is not
/// part of it: it differs by connection and is written before the block.
/// </summary>
internal static class SseEncoder
{
    /// <summary>Largest data of one event that any setting allows.</summary>
    public const int MaxDataBytes = 16 * 1024 * 1024;

    private static readonly byte[] s_event = "event: "u8.ToArray();
    private static readonly byte[] s_data = "data: "u8.ToArray();

    /// <summary>
    /// CR, LF and CRLF in <paramref name="utf8Data"/> each end a <c>data:</c> line; a client joins the lines with LF.
    /// </summary>
    /// <param name="eventType">A valid type, or null for <c>message</c>.</param>
    /// <param name="utf8Data">Well-formed UTF-8.</param>
    public static byte[] Encode(string? eventType, ReadOnlySpan<byte> utf8Data) => Encode(eventType, utf8Data, Length(eventType, utf8Data));

    /// <summary>Bytes of the block: up to seven times those of the data, if these are line ends.</summary>
    public static int Length(string? eventType, ReadOnlySpan<byte> utf8Data) =>
        (eventType is null ? 0 : s_event.Length + Encoding.UTF8.GetByteCount(eventType) + 1) + DataLength(utf8Data) + 1;

    /// <param name="eventType">A valid type, or null for <c>message</c>.</param>
    /// <param name="utf8Data">Well-formed UTF-8.</param>
    /// <param name="length">The answer of <see cref="Length"/>.</param>
    public static byte[] Encode(string? eventType, ReadOnlySpan<byte> utf8Data, int length)
    {
        var block = new byte[length];
        var rest = block.AsSpan();
        if (eventType is not null)
        {
            rest = Append(rest, s_event);
            rest = rest[Encoding.UTF8.GetBytes(eventType, rest)..];
            rest = Append(rest, "\n"u8);
        }

        foreach (var line in new LineEnumerator(utf8Data))
        {
            rest = Append(rest, s_data);
            rest = Append(rest, line);
            rest = Append(rest, "\n"u8);
        }

        Append(rest, "\n"u8);
        return block;
    }

    /// <summary>
    /// Whether <see cref="Encode(string?, ReadOnlySpan{byte})"/> can have made this of a valid event: one event with an allowed type,
    /// data, and nothing else that a client would understand. What is not, must not reach one.
    /// </summary>
    public static bool IsBlock(ReadOnlySpan<byte> block)
    {
        if (block.Contains((byte)'\r') || !Utf8.IsValid(block))
        {
            return false;
        }

        if (block.StartsWith(s_event))
        {
            var end = block.IndexOf((byte)'\n');
            if (end < 0 || block[s_event.Length..end].SequenceEqual("message"u8) || !EventType.IsValid(block[s_event.Length..end]))
            {
                return false;
            }

            block = block[(end + 1)..];
        }

        // Between two lines of data is one byte.
        for (long data = -1; data <= MaxDataBytes;)
        {
            var end = block.StartsWith(s_data) ? block.IndexOf((byte)'\n') : -1;
            if (end < 0)
            {
                return false;
            }

            data += end - s_data.Length + 1;
            block = block[(end + 1)..];
            if (block is [(byte)'\n'])
            {
                return data <= MaxDataBytes;
            }
        }

        return false;
    }

    /// <summary>Reads back what <see cref="Encode(string?, ReadOnlySpan{byte})"/> made; line ends within the data come as LF.</summary>
    public static (string Type, string Data) Decode(ReadOnlySpan<byte> block)
    {
        var data = new byte[block.Length];
        var (type, length) = Decode(block, data);
        return (type, Encoding.UTF8.GetString(data, 0, length));
    }

    /// <param name="block">What was encoded.</param>
    /// <param name="data">Room for the data in UTF-8: as much as the block has.</param>
    /// <returns>The type, and how many bytes the data has.</returns>
    public static (string Type, int Length) Decode(ReadOnlySpan<byte> block, Span<byte> data)
    {
        var type = "message";
        var length = 0;
        var lines = 0;
        foreach (var line in new LineEnumerator(block))
        {
            if (line.StartsWith(s_event))
            {
                type = Encoding.UTF8.GetString(line[s_event.Length..]);
            }
            else if (line.StartsWith(s_data))
            {
                if (lines++ > 0)
                {
                    data[length++] = (byte)'\n';
                }

                line[s_data.Length..].CopyTo(data[length..]);
                length += line.Length - s_data.Length;
            }
        }

        return (type, length);
    }

    private static int DataLength(ReadOnlySpan<byte> data)
    {
        var length = 0;
        foreach (var line in new LineEnumerator(data))
        {
            length += s_data.Length + line.Length + 1;
        }

        return length;
    }

    private static Span<byte> Append(Span<byte> destination, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(destination);
        return destination[bytes.Length..];
    }

    // Not MemoryExtensions.EnumerateLines: that one also splits on VT, FF, NEL and others, which are data here.
    private ref struct LineEnumerator(ReadOnlySpan<byte> data)
    {
        private ReadOnlySpan<byte> _rest = data;
        private bool _done;

        public ReadOnlySpan<byte> Current { get; private set; }

        public readonly LineEnumerator GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_done)
            {
                return false;
            }

            var end = _rest.IndexOfAny((byte)'\r', (byte)'\n');
            if (end < 0)
            {
                Current = _rest;
                _done = true;
                return true;
            }

            Current = _rest[..end];
            var crlf = _rest[end] == '\r' && end + 1 < _rest.Length && _rest[end + 1] == '\n';
            _rest = _rest[(end + (crlf ? 2 : 1))..];
            return true;
        }
    }
}
