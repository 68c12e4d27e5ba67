namespace SseApp.Bench.Generator;

internal enum ResponsePart
{
    Head,
    ChunkSize,
    ChunkExtension,
    Body,
    ChunkEnd,
    Ended,
}

/// <summary>State of one stream, small and without a buffer: all read into the loop's.</summary>
internal sealed class StreamClient(int topic, int lanes) : SocketClient
{
    private long[]? _wanted;
    private HashSet<(int Lane, long Sequence)>? _missing;

    public int Topic => topic;

    /// <summary>The frames of its HTTP/2 connection; null over HTTP/1.1.</summary>
    public Http2Response? Frames { get; set; }

    /// <summary>The server broke off the response, not the connection.</summary>
    public bool IsReset { get; set; }

    /// <summary>The request is on its way and the head of the answer was not read yet.</summary>
    public bool Connecting { get; set; }

    /// <summary>Addresses of the target that it found closed so far.</summary>
    public int Attempt { get; set; }

    /// <summary>The same reconnect goes on at another address.</summary>
    public bool Retrying { get; set; }

    /// <summary>The server said that it takes no streams now.</summary>
    public bool Unavailable { get; set; }

    /// <summary>Addresses that said so, one after the other.</summary>
    public int Elsewhere { get; set; }

    /// <summary>When it began to connect, in microseconds of <see cref="Payload.Now"/>.</summary>
    public long Since { get; set; }

    /// <summary>When it ended last, in microseconds of <see cref="Payload.Now"/>.</summary>
    public long EndedAt { get; set; }

    /// <summary>When it first began to connect since it was whole, in microseconds of <see cref="Payload.Now"/>; 0: it is whole.</summary>
    public long OpeningSince { get; set; }

    /// <summary>The end of an event, or a blank line, has come.</summary>
    public bool HasBegun { get; set; }

    /// <summary>It has begun, and has what it missed.</summary>
    public bool IsWhole { get; set; }

    public ResponsePart Part { get; set; }

    public bool Chunked { get; set; }

    public int Status { get; set; }

    public long ChunkLeft { get; set; }

    /// <summary>The begin of a line (or head) of which the rest has not come yet; null while there is none.</summary>
    public byte[]? Partial { get; set; }

    public int PartialLength { get; set; }

    /// <summary>The newest id of a whole event, for <c>Last-Event-ID</c>; kept only where streams reconnect.</summary>
    public string? LastEventId { get; set; }

    public string? PendingId { get; set; }

    /// <summary>Milliseconds before a reconnect; 3 s, which browsers use, until the server says otherwise.</summary>
    public int Retry { get; set; } = 3000;

    /// <summary>Warm-up events (number 0) seen.</summary>
    public int WarmUps { get; set; }

    /// <summary>Newest number seen of each lane.</summary>
    public long[] Last { get; } = new long[lanes];

    /// <summary>Forgets the response, not what was received, so that the stream can be opened again.</summary>
    public void BeginResponse()
    {
        Part = ResponsePart.Head;
        Chunked = false;
        Status = 0;
        Unavailable = false;
        IsReset = false;
        Frames = null;
        ChunkLeft = 0;
        PartialLength = 0;
        PendingId = null;
        HasBegun = false;
    }

    /// <summary>Notes what it must have to be whole.</summary>
    /// <param name="all">The lanes of all topics.</param>
    /// <param name="missed">The server sends what was missed; else it begins with what comes next.</param>
    public void Want(Lane[] all, bool missed)
    {
        _wanted ??= new long[lanes];
        for (var lane = 0; lane < lanes; lane++)
        {
            _wanted[lane] = missed ? all[(topic * lanes) + lane].Confirmed : 0;
        }
    }

    public bool HasWanted()
    {
        for (var lane = 0; lane < lanes; lane++)
        {
            if (Last[lane] < _wanted![lane])
            {
                return false;
            }
        }

        return true;
    }

    public void Received(int lane, long sequence, Tally tally)
    {
        tally.Delivered++;
        ref var last = ref Last[lane];
        if (sequence == last + 1)
        {
            last = sequence;
        }
        else
        {
            OutOfLine(lane, sequence, ref last, tally);
        }
    }

    /// <summary>Counts what was confirmed to the publisher and never came.</summary>
    public long CountLost(Lane lane)
    {
        var lost = _missing?.Count(hole => hole.Lane == lane.Index && lane.IsAcknowledged(hole.Sequence)) ?? 0;
        for (var sequence = Last[lane.Index] + 1; sequence <= lane.Sent; sequence++)
        {
            lost += lane.IsAcknowledged(sequence) ? 1 : 0;
        }

        return lost;
    }

    private void OutOfLine(int lane, long sequence, ref long last, Tally tally)
    {
        if (sequence > last)
        {
            _missing ??= [];
            for (var hole = last + 1; hole < sequence; hole++)
            {
                _missing.Add((lane, hole));
            }

            last = sequence;
        }
        else if (_missing?.Remove((lane, sequence)) == true)
        {
            tally.Reordered++;
        }
        else
        {
            tally.Duplicates++;
        }
    }
}
