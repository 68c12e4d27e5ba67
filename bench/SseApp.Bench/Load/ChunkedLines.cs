namespace SseApp.Bench.Load;

/// <summary>
/// Takes the bytes of an HTTP/1.1 response as they come, removes the head and the chunk framing, and hands out whole
/// lines. A proxy may cut chunks anywhere, so a line may span several.
/// </summary>
internal sealed class ChunkedLines
{
    private readonly List<byte> _line = new(256);
    private Part _part = Part.Head;
    private int _headMatch;
    private int _chunkLeft;
    private int _statusSeen;
    private int _status;

    private enum Part
    {
        Head,
        ChunkSize,
        ChunkExtension,
        Chunk,
        ChunkEnd,
        Ended,
    }

    /// <summary>The status code once the head has been read, else 0.</summary>
    public int Status => _part == Part.Head ? 0 : _status;

    /// <summary>True after the last chunk: the server ended the response cleanly.</summary>
    public bool Ended => _part == Part.Ended;

    /// <param name="bytes">What was received.</param>
    /// <param name="line">Called for each whole line, without its line feed.</param>
    public void Feed(ReadOnlySpan<byte> bytes, Action<ReadOnlySpan<byte>> line)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            var value = bytes[i];
            switch (_part)
            {
                case Part.Head:
                    ReadHead(value);
                    break;
                case Part.ChunkSize when value == '\n':
                    _part = _chunkLeft == 0 ? Part.Ended : Part.Chunk;
                    break;
                case Part.ChunkSize when char.IsAsciiHexDigit((char)value):
                    _chunkLeft = (_chunkLeft * 16) + Convert.ToInt32(((char)value).ToString(), 16);
                    break;
                case Part.ChunkSize when value == ';':
                    _part = Part.ChunkExtension;
                    break;
                case Part.ChunkExtension when value == '\n':
                    _part = _chunkLeft == 0 ? Part.Ended : Part.Chunk;
                    break;
                case Part.Chunk:
                    i += ReadChunk(bytes[i..], line) - 1;
                    break;
                case Part.ChunkEnd when value == '\n':
                    _part = Part.ChunkSize;
                    break;
            }
        }
    }

    private void ReadHead(byte value)
    {
        // "HTTP/1.1 200": the digits 10 to 12 are the status.
        if (_statusSeen < 12)
        {
            _statusSeen++;
            if (_statusSeen > 9)
            {
                _status = (_status * 10) + (value - '0');
            }
        }

        _headMatch = value == "\r\n\r\n"u8[_headMatch] ? _headMatch + 1 : value == '\r' ? 1 : 0;
        if (_headMatch == 4)
        {
            _part = Part.ChunkSize;
        }
    }

    private int ReadChunk(ReadOnlySpan<byte> bytes, Action<ReadOnlySpan<byte>> line)
    {
        var chunk = bytes[..Math.Min(bytes.Length, _chunkLeft)];
        var rest = chunk;
        for (var end = rest.IndexOf((byte)'\n'); end >= 0; end = rest.IndexOf((byte)'\n'))
        {
            if (_line.Count == 0)
            {
                line(rest[..end]);
            }
            else
            {
                _line.AddRange(rest[..end]);
                line(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_line));
                _line.Clear();
            }

            rest = rest[(end + 1)..];
        }

        _line.AddRange(rest);
        _chunkLeft -= chunk.Length;
        if (_chunkLeft == 0)
        {
            _part = Part.ChunkEnd;
        }

        return chunk.Length;
    }
}
