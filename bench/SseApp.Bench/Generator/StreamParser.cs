namespace SseApp.Bench.Generator;

/// <summary>
/// Reads responses of any of the subjects: the head says whether the body is chunked (Kestrel, Node) or runs until the
/// connection ends (nchan), and every line of an event may be cut anywhere by a proxy or by the read.
/// </summary>
internal sealed class StreamParser(Tally tally, bool keepIds)
{
    private const int MaxHead = 16 * 1024;
    private long _now;

    /// <param name="stream">Whose bytes these are.</param>
    /// <param name="bytes">What was read.</param>
    /// <param name="now">The moment of the read, as in <see cref="Payload"/>.</param>
    public void Feed(StreamClient stream, ReadOnlySpan<byte> bytes, long now)
    {
        _now = now;
        while (!bytes.IsEmpty)
        {
            switch (stream.Part)
            {
                case ResponsePart.Head:
                    bytes = ReadHead(stream, bytes);
                    break;
                case ResponsePart.ChunkSize:
                    bytes = ReadChunkSize(stream, bytes);
                    break;
                case ResponsePart.ChunkExtension:
                    bytes = After(bytes, (byte)'\n', out var found);
                    stream.Part = !found ? stream.Part : stream.ChunkLeft == 0 ? ResponsePart.Ended : ResponsePart.Body;
                    break;
                case ResponsePart.Body:
                    bytes = ReadBody(stream, bytes);
                    break;
                case ResponsePart.ChunkEnd:
                    bytes = After(bytes, (byte)'\n', out found);
                    stream.Part = found ? ResponsePart.ChunkSize : stream.Part;
                    break;
                default:
                    return;
            }
        }
    }

    /// <summary>The same for a body whose frames are known already.</summary>
    public void FeedBody(StreamClient stream, ReadOnlySpan<byte> bytes, long now)
    {
        _now = now;
        ReadLines(stream, bytes);
    }

    private static ReadOnlySpan<byte> After(ReadOnlySpan<byte> bytes, byte value, out bool found)
    {
        var index = bytes.IndexOf(value);
        found = index >= 0;
        return found ? bytes[(index + 1)..] : default;
    }

    private static ReadOnlySpan<byte> ReadHead(StreamClient stream, ReadOnlySpan<byte> bytes)
    {
        var before = stream.PartialLength;
        Append(stream, bytes);
        var head = stream.Partial.AsSpan(0, stream.PartialLength);
        var end = head.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return head.Length <= MaxHead ? default : throw new BenchException($"A response head has more than {MaxHead} bytes.");
        }

        var text = Encoding.ASCII.GetString(head[..end]);
        if (!text.StartsWith("HTTP/1.", StringComparison.Ordinal) || !int.TryParse(text.AsSpan(9, 3), CultureInfo.InvariantCulture, out var status))
        {
            throw new BenchException($"What answers is no HTTP/1.1 server: {text.Split('\r', 2)[0]}");
        }

        stream.Status = status;
        stream.Chunked = text.Contains("transfer-encoding: chunked", StringComparison.OrdinalIgnoreCase);
        stream.Part = stream.Chunked ? ResponsePart.ChunkSize : ResponsePart.Body;
        stream.PartialLength = 0;
        return bytes[(end + 4 - before)..];
    }

    private static ReadOnlySpan<byte> ReadChunkSize(StreamClient stream, ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            var value = bytes[i];
            if (value == '\n')
            {
                stream.Part = stream.ChunkLeft == 0 ? ResponsePart.Ended : ResponsePart.Body;
                return bytes[(i + 1)..];
            }

            if (value == ';')
            {
                stream.Part = ResponsePart.ChunkExtension;
                return bytes[(i + 1)..];
            }

            if (value != '\r')
            {
                stream.ChunkLeft = (stream.ChunkLeft * 16) + (value <= '9' ? value - '0' : (value | 0x20) - 'a' + 10);
            }
        }

        return default;
    }

    private ReadOnlySpan<byte> ReadBody(StreamClient stream, ReadOnlySpan<byte> bytes)
    {
        if (!stream.Chunked)
        {
            ReadLines(stream, bytes);
            return default;
        }

        var count = (int)Math.Min(stream.ChunkLeft, bytes.Length);
        ReadLines(stream, bytes[..count]);
        stream.ChunkLeft -= count;
        if (stream.ChunkLeft == 0)
        {
            stream.Part = ResponsePart.ChunkEnd;
        }

        return bytes[count..];
    }

    private void ReadLines(StreamClient stream, ReadOnlySpan<byte> bytes)
    {
        for (var end = bytes.IndexOf((byte)'\n'); end >= 0; end = bytes.IndexOf((byte)'\n'))
        {
            if (stream.PartialLength == 0)
            {
                ReadLine(stream, bytes[..end]);
            }
            else
            {
                Append(stream, bytes[..end]);
                ReadLine(stream, stream.Partial.AsSpan(0, stream.PartialLength));
                stream.PartialLength = 0;
            }

            bytes = bytes[(end + 1)..];
        }

        if (!bytes.IsEmpty)
        {
            Append(stream, bytes);
        }
    }

    private void ReadLine(StreamClient stream, ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty)
        {
            // The blank line dispatches the event; only now its id counts.
            stream.LastEventId = stream.PendingId ?? stream.LastEventId;
            stream.HasBegun = true;
        }
        else if (line[0] == 'd' && line.StartsWith("data:"u8))
        {
            ReadData(stream, line[5..]);
        }
        else if (line[0] == 'i' && keepIds && line.StartsWith("id:"u8))
        {
            stream.PendingId = Encoding.ASCII.GetString(line[3..].Trim((byte)' '));
        }
        else if (line[0] == 'r' && line.StartsWith("retry:"u8)
            && int.TryParse(line[6..].Trim((byte)' '), CultureInfo.InvariantCulture, out var retry))
        {
            stream.Retry = retry;
        }
        else if (line[0] == 'e' && line.EndsWith("stream.gap"u8))
        {
            tally.GapsTold++;
        }
        else if (line[0] == 'e' && line.EndsWith("stream.unavailable"u8))
        {
            stream.Unavailable = true;
        }
    }

    private void ReadData(StreamClient stream, ReadOnlySpan<byte> data)
    {
        if (!Payload.TryParse(data, out var lane, out var sequence, out var sentAt))
        {
            return;
        }

        if (sequence == 0)
        {
            stream.WarmUps++;
            return;
        }

        stream.Received(lane, sequence, tally);
        tally.Record(_now - sentAt);
    }

    private static void Append(StreamClient stream, ReadOnlySpan<byte> bytes)
    {
        var needed = stream.PartialLength + bytes.Length;
        if (stream.Partial is null || stream.Partial.Length < needed)
        {
            var larger = new byte[Math.Max(256, needed * 2)];
            stream.Partial.AsSpan(0, stream.PartialLength).CopyTo(larger);
            stream.Partial = larger;
        }

        bytes.CopyTo(stream.Partial.AsSpan(stream.PartialLength));
        stream.PartialLength = needed;
    }
}
