namespace SseApp.Bench.Generator;

/// <summary>One keep-alive connection that publishes, one request at a time.</summary>
internal sealed class PublishClient : SocketClient
{
    private byte[] _answer = new byte[8 * 1024];
    private int _answerLength;
    private long _begunAt;

    /// <summary>Connections that broke; the next one goes to the next address of the target.</summary>
    public int Attempt { get; set; }

    public bool Busy { get; private set; }

    /// <summary>Somebody took the connection; before that nobody can have had the request.</summary>
    public bool Connected { get; set; }

    /// <summary>The server ends the connection behind the answer that was read last.</summary>
    public bool Closing { get; private set; }

    /// <summary>When it began to connect, or may do so again, in microseconds of <see cref="Payload.Now"/>.</summary>
    public long Since { get; set; }

    public List<Outgoing> Events { get; } = [];

    public ReadOnlyMemory<byte> Unsent { get; set; }

    /// <summary>The request that waits for its answer.</summary>
    public void Begin(ReadOnlyMemory<byte> request)
    {
        Busy = true;
        _begunAt = Payload.Now;
        Unsent = request;
        _answerLength = 0;
        foreach (var sent in Events)
        {
            sent.Lane.Busy = true;
        }
    }

    /// <param name="bytes">What was received of the answer.</param>
    /// <param name="tally">Where a refusal is counted.</param>
    public void Feed(ReadOnlySpan<byte> bytes, Tally tally)
    {
        if (_answerLength + bytes.Length > _answer.Length)
        {
            Array.Resize(ref _answer, (_answerLength + bytes.Length) * 2);
        }

        bytes.CopyTo(_answer.AsSpan(_answerLength));
        _answerLength += bytes.Length;
        var answer = _answer.AsSpan(0, _answerLength);
        var end = answer.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return;
        }

        var head = Encoding.ASCII.GetString(answer[..end]);
        Closing = head.Contains("connection: close", StringComparison.OrdinalIgnoreCase);
        var body = answer[(end + 4)..];
        if (head.Contains("transfer-encoding: chunked", StringComparison.OrdinalIgnoreCase)
            ? !body.EndsWith("0\r\n\r\n"u8)
            : body.Length < ContentLength(head))
        {
            return;
        }

        // A batch may be answered 200 and still have failed for some of its items.
        var accepted = head.AsSpan(9).StartsWith("20");
        var whole = Events.Count == 1 || body.IndexOf("\"failed\":0"u8) >= 0;
        Finish(accepted && whole, accepted ? "items of a batch failed" : head.Split("\r\n", 2)[0], tally);
    }

    /// <summary>Ends the request; what was not confirmed may arrive or not.</summary>
    public void Finish(bool good, string failure, Tally tally)
    {
        Busy = false;
        Unsent = default;
        tally.RecordPublish(Payload.Now - _begunAt);
        foreach (var sent in Events)
        {
            sent.Lane.Busy = false;
            if (!good)
            {
                tally.FirstFailure ??= failure;
            }

            if (!good && sent.Sequence > 0)
            {
                sent.Lane.NotAcknowledged(sent.Sequence);
                tally.NotConfirmed.Add((Payload.Now, failure));
            }
        }

        Events.Clear();
    }

    private static int ContentLength(string head)
    {
        const string Name = "content-length:";
        var begin = head.IndexOf(Name, StringComparison.OrdinalIgnoreCase);
        if (begin < 0)
        {
            return 0;
        }

        var value = head.AsSpan(begin + Name.Length);
        var end = value.IndexOf('\r');
        return int.Parse((end < 0 ? value : value[..end]).Trim(), CultureInfo.InvariantCulture);
    }
}
