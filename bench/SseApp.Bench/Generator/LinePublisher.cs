namespace SseApp.Bench.Generator;

/// <summary>One connection with a publish that streams: lines of events out, lines of results in, as many under way as the plan has.</summary>
internal sealed class LinePublisher
{
    private readonly Queue<Outgoing> _underWay = new();
    private readonly byte[] _line = new byte[256 * 1024];
    private byte[] _unsent = new byte[64 * 1024];
    private int _unsentStart;
    private int _unsentEnd;
    private int _lineLength;
    private long _chunkLeft;
    private Part _part;

    private enum Part
    {
        Head,
        ChunkSize,
        Chunk,
        ChunkEnd,
    }

    public int Fd { get; set; } = -1;

    /// <summary>The connection waits for room in the socket.</summary>
    public bool Blocked { get; set; } = true;

    public int UnderWay => _underWay.Count;

    public ReadOnlySpan<byte> Unsent => _unsent.AsSpan(_unsentStart, _unsentEnd - _unsentStart);

    public List<Outgoing> Next { get; } = [];

    public void Open(byte[] head)
    {
        (_unsentStart, _unsentEnd, _lineLength, _part) = (0, 0, 0, Part.Head);
        Append(head);
    }

    /// <summary>Puts <see cref="Next"/> on its way, as one chunk.</summary>
    /// <param name="lines">Its lines.</param>
    public void Add(string lines)
    {
        Append(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{lines.Length:x}\r\n{lines}\r\n")));
        foreach (var sent in Next)
        {
            sent.Lane.Busy = true;
            _underWay.Enqueue(sent);
        }

        Next.Clear();
    }

    public void Sent(int count)
    {
        _unsentStart += count;
        if (_unsentStart == _unsentEnd)
        {
            (_unsentStart, _unsentEnd) = (0, 0);
        }
    }

    /// <param name="bytes">What was received.</param>
    /// <param name="tally">Where a refusal is counted.</param>
    /// <returns>False when the stream has ended.</returns>
    public bool Feed(ReadOnlySpan<byte> bytes, Tally tally)
    {
        while (!bytes.IsEmpty)
        {
            switch (_part)
            {
                case Part.Head:
                case Part.ChunkSize:
                case Part.ChunkEnd:
                    var end = bytes.IndexOf((byte)'\n');
                    Keep(end < 0 ? bytes : bytes[..end]);
                    bytes = end < 0 ? default : bytes[(end + 1)..];
                    if (end >= 0 && !EndOfFrame(tally))
                    {
                        return false;
                    }

                    break;
                default:
                    var piece = bytes[..(int)Math.Min(_chunkLeft, bytes.Length)];
                    bytes = bytes[piece.Length..];
                    _chunkLeft -= piece.Length;
                    if (!ReadLines(piece, tally))
                    {
                        return false;
                    }

                    if (_chunkLeft == 0)
                    {
                        _part = Part.ChunkEnd;
                    }

                    break;
            }
        }

        return true;
    }

    /// <summary>Ends it; what was not confirmed may arrive or not.</summary>
    public void Finish(string failure, Tally tally)
    {
        while (_underWay.TryDequeue(out var sent))
        {
            Fail(sent, failure, tally);
        }
    }

    private static void Fail(Outgoing sent, string failure, Tally tally)
    {
        tally.FirstFailure ??= failure;
        sent.Lane.Busy = false;
        sent.Lane.NotAcknowledged(sent.Sequence);
        tally.NotConfirmed.Add((Payload.Now, failure));
    }

    private bool EndOfFrame(Tally tally)
    {
        var text = _line.AsSpan(0, _lineLength).TrimEnd((byte)'\r');
        _lineLength = 0;
        switch (_part)
        {
            case Part.Head:
                if (text.StartsWith("HTTP/1.1 "u8) && !text.StartsWith("HTTP/1.1 200"u8))
                {
                    Finish(Encoding.ASCII.GetString(text), tally);
                    return false;
                }

                _part = text.IsEmpty ? Part.ChunkSize : Part.Head;
                return true;
            case Part.ChunkSize:
                _chunkLeft = long.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                _part = Part.Chunk;
                return _chunkLeft > 0;
            default:
                _part = Part.ChunkSize;
                return true;
        }
    }

    private bool ReadLines(ReadOnlySpan<byte> bytes, Tally tally)
    {
        while (bytes.IndexOf((byte)'\n') is >= 0 and var end)
        {
            var line = bytes[..end];
            if (_lineLength > 0)
            {
                Keep(line);
                line = _line.AsSpan(0, _lineLength);
                _lineLength = 0;
            }

            bytes = bytes[(end + 1)..];
            if (line.StartsWith("{\"end\""u8))
            {
                Finish(Encoding.UTF8.GetString(line), tally);
                return false;
            }

            var sent = _underWay.Dequeue();
            if (line.IndexOf("\"status\":20"u8) < 0)
            {
                Fail(sent, Encoding.UTF8.GetString(line), tally);
            }

            sent.Lane.Busy = false;
        }

        Keep(bytes);
        return true;
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_line.AsSpan(_lineLength));
        _lineLength += bytes.Length;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (_unsentEnd + bytes.Length > _unsent.Length)
        {
            var left = Unsent.Length;
            var larger = new byte[Math.Max(_unsent.Length * 2, left + bytes.Length)];
            Unsent.CopyTo(larger);
            (_unsent, _unsentStart, _unsentEnd) = (larger, 0, left);
        }

        bytes.CopyTo(_unsent.AsSpan(_unsentEnd));
        _unsentEnd += bytes.Length;
    }
}
