namespace SseApp.Gateway.AccessLog;

/// <summary>Counts the events in the bytes of a stream as a browser does: a blank line after at least one <c>data</c> line.</summary>
internal struct EventCounter
{
    // Characters of the line that fit "data"; 5 with the colon; -1 when it is another line.
    private int _matched;
    private bool _lineHasBytes;
    private bool _hasData;
    private bool _afterCarriageReturn;

    public long Events { get; private set; }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_afterCarriageReturn)
            {
                _afterCarriageReturn = false;
                if (bytes[0] == '\n')
                {
                    bytes = bytes[1..];
                    continue;
                }
            }

            var end = bytes.IndexOfAny((byte)'\r', (byte)'\n');
            Match(end < 0 ? bytes : bytes[..end]);
            if (end < 0)
            {
                return;
            }

            EndLine();
            _afterCarriageReturn = bytes[end] == '\r';
            bytes = bytes[(end + 1)..];
        }
    }

    private void Match(ReadOnlySpan<byte> part)
    {
        _lineHasBytes |= !part.IsEmpty;
        for (var i = 0; i < part.Length && _matched is >= 0 and < 5; i++)
        {
            _matched = part[i] == "data:"u8[_matched] ? _matched + 1 : -1;
        }
    }

    private void EndLine()
    {
        if (!_lineHasBytes)
        {
            Events += _hasData ? 1 : 0;
            _hasData = false;
        }
        else if (_matched >= 4)
        {
            _hasData = true;
        }

        _matched = 0;
        _lineHasBytes = false;
    }
}
