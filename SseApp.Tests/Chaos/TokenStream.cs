using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Chaos;

/// <summary>
/// An <c>EventSource</c> with a token in its cookie, on a bare socket, so that a test can have thousands: it reconnects after <c>retry</c>, with
/// its last id, and with another token once it was told that the one that it has ends.
/// </summary>
internal sealed class TokenStream : IAsyncDisposable
{
    // Nothing that lasts begins in it.
    private static readonly long s_lastSecond = Stopwatch.Frequency;

    private readonly Uri _server;
    private readonly string _path;
    private readonly NumberedTopic[] _topics;
    private readonly Func<LiveToken> _next;
    private readonly List<LiveToken> _tokens = [];
    private readonly List<string> _faults = [];
    private readonly CancellationTokenSource _closing = new();
    private readonly byte[] _buffer = new byte[4 * 1024];
    private readonly Task _running;

    // Each event that came, with the token that it came by.
    private readonly List<(int Number, int Token)>[] _numbers;
    private readonly int[] _last;
    private string _lastEventId = "";
    private TimeSpan _retry = TimeSpan.FromSeconds(1);
    private bool _told;
    private bool _ended;
    private volatile bool _streaming;
    private volatile bool _renews;
    private volatile LiveToken _token;
    private volatile string _replica = "";
    private int _opened;
    private int _keptOut;
    private int _expired;
    private int _cut;

    private TokenStream(Uri server, NumberedTopic[] topics, Func<LiveToken> next, bool renews)
    {
        _server = server;
        _path = $"/events?{string.Join('&', topics.Select(topic => $"topic={topic.Name}"))}";
        _topics = topics;
        _numbers = [.. topics.Select(_ => new List<(int, int)>())];
        _last = [.. topics.Select(_ => -1)];
        _next = next;
        _renews = renews;
        _token = next();
        _tokens.Add(_token);
        _running = Task.Run(RunAsync);
    }

    /// <summary>Gets another token when the one that it has ends.</summary>
    public bool Renews
    {
        get => _renews;
        set => _renews = value;
    }

    /// <summary>The one that it has.</summary>
    public LiveToken Token => _token;

    /// <summary>The replica that serves it, or was the last to do so.</summary>
    public string Replica => _replica;

    public bool IsStreaming => _streaming;

    public int Opened => Volatile.Read(ref _opened);

    /// <summary>Streams that ended with their token.</summary>
    public int Expired => Volatile.Read(ref _expired);

    /// <summary>How often it was told that its token counts no more, although that has not come to its end.</summary>
    public int KeptOut => Volatile.Read(ref _keptOut);

    /// <summary>Streams that broke off without the end of their response.</summary>
    public int Cut => Volatile.Read(ref _cut);

    /// <summary>Whether the newest event of each topic has come.</summary>
    public bool HasAll
    {
        get
        {
            for (var i = 0; i < _topics.Length; i++)
            {
                if (Volatile.Read(ref _last[i]) < _topics[i].Count - 1)
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>How long before its token each stream ended that ended with it, in seconds; to be read after <see cref="DisposeAsync"/>.</summary>
    public List<double> Early { get; } = [];

    public static TokenStream Open(Uri server, NumberedTopic[] topics, Func<LiveToken> next, bool renews = false) => new(server, topics, next, renews);

    public async ValueTask DisposeAsync()
    {
        if (!_closing.IsCancellationRequested)
        {
            await _closing.CancelAsync();
        }

        await _running;
        _closing.Dispose();
    }

    /// <summary>
    /// What is wrong with what came; after <see cref="DisposeAsync"/>. Each number once and in order, and none that was published after the end
    /// of the token that it came by.
    /// </summary>
    /// <param name="all">Nothing is missing at the end either.</param>
    public IEnumerable<string> Faults(bool all)
    {
        for (var i = 0; i < _topics.Length; i++)
        {
            var (topic, numbers) = (_topics[i], _numbers[i]);
            var wrong = Enumerable.Range(0, numbers.Count).FirstOrDefault(place => numbers[place].Number != place, -1);
            if (wrong >= 0)
            {
                _faults.Add($"got {numbers[wrong].Number} in place of {wrong} of {topic.Name}");
            }
            else if (all && numbers.Count != topic.Count)
            {
                _faults.Add($"got {numbers.Count} of {topic.Count} of {topic.Name}");
            }

            foreach (var (number, token) in numbers.Where(come => topic.Begun[come.Number] > _tokens[come.Token].Ends).Take(1))
            {
                _faults.Add($"got {number} of {topic.Name}, which was published {Stopwatch.GetElapsedTime(_tokens[token].Ends, topic.Begun[number]).TotalMilliseconds:0} ms after the end of its token");
            }
        }

        return _faults;
    }

    private async Task RunAsync()
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                await StreamAsync(_closing.Token);
            }
            catch (SocketException)
            {
                // Nobody listens, or a reset: reconnect.
            }
            catch (OperationCanceledException) when (_closing.IsCancellationRequested)
            {
                return;
            }

            _streaming = false;
            await Task.Delay(_retry, TimeProvider.System, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task StreamAsync(CancellationToken cancellationToken)
    {
        if (_renews && (_told || _token.Ends <= Stopwatch.GetTimestamp()))
        {
            _token = _next();
            _tokens.Add(_token);
        }

        (_told, _ended) = (false, false);
        var resume = _lastEventId.Length > 0 ? $"Last-Event-ID: {_lastEventId}\r\n" : "";
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(_server.Host, _server.Port, cancellationToken);
        await socket.SendAsync(
            Encoding.ASCII.GetBytes($"GET {_path} HTTP/1.1\r\nHost: {_server.Authority}\r\nAccept: text/event-stream\r\nCookie: {SessionCookie.Name}={_token.Text}\r\n{resume}\r\n"),
            cancellationToken);
        var body = new ChunkedBody();
        var parser = new SseParser();
        while (!body.IsOver)
        {
            var count = await socket.ReceiveAsync(_buffer, cancellationToken);
            if (count == 0)
            {
                Interlocked.Increment(ref _cut);
                return;
            }

            body.Feed(_buffer.AsSpan(0, count), part => Feed(parser, part));
            if (body.Refused is { } head)
            {
                _faults.Add($"would be closed for ever: {head}");
                return;
            }
        }
    }

    private void Feed(SseParser parser, ReadOnlySpan<byte> part)
    {
        var events = parser.Feed(part);
        _lastEventId = parser.Blocks > 0 && parser.LastEventId.Length > 0 ? parser.LastEventId : _lastEventId;
        _retry = parser.Retry is { } retry ? TimeSpan.FromMilliseconds(retry) : _retry;
        foreach (var next in events)
        {
            Take(next);
        }
    }

    private void Take(SseEvent received)
    {
        if (_ended && received.Type != ":")
        {
            _faults.Add($"got {received} after the end");
        }

        switch (received.Type)
        {
            case ":" or "stream.unavailable":
                break;
            case "stream.open":
                _replica = JsonSerializer.Deserialize<JsonElement>(received.Data).GetProperty("replica").GetString()!;
                Interlocked.Increment(ref _opened);
                _streaming = true;
                break;
            case "stream.token-expiring":
                _told = true;
                break;
            case AccessRefusal.EventName:
                TakeEnd(JsonSerializer.Deserialize<JsonElement>(received.Data).GetProperty("reason").GetString()!);
                break;
            case "message" when received.Data.Split('-') is [var name, var number] && Array.FindIndex(_topics, topic => topic.Name == name) is >= 0 and var slot:
                var come = int.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture);
                _numbers[slot].Add((come, _tokens.Count - 1));
                Volatile.Write(ref _last[slot], come);
                break;
            default:
                _faults.Add($"got {received}");
                break;
        }
    }

    private void TakeEnd(string reason)
    {
        var now = Stopwatch.GetTimestamp();
        if (reason != AuthReason.TokenExpired)
        {
            Interlocked.Increment(ref _keptOut);
        }
        else if (_streaming)
        {
            if (!_told)
            {
                _faults.Add("was not told before its token ended");
            }

            Early.Add((_token.Ends - now) / (double)Stopwatch.Frequency);
            Interlocked.Increment(ref _expired);
        }
        else if (_token.Ends > now + s_lastSecond)
        {
            _faults.Add("was refused for the end of a token that had not ended");
        }

        _ended = true;
        _streaming = false;
    }

    private delegate void TakePart(ReadOnlySpan<byte> part);

    /// <summary>The body of one response, which may be cut anywhere.</summary>
    private sealed class ChunkedBody
    {
        private readonly List<byte> _line = [];
        private bool _inHead = true;
        private string? _status;
        private int _left;
        private bool _afterChunk;

        /// <summary>The last chunk has come.</summary>
        public bool IsOver { get; private set; }

        /// <summary>The first line of an answer that is none to an <c>EventSource</c>.</summary>
        public string? Refused { get; private set; }

        public void Feed(ReadOnlySpan<byte> bytes, TakePart take)
        {
            while (!bytes.IsEmpty && !IsOver && Refused is null)
            {
                if (_left > 0)
                {
                    var part = bytes[..Math.Min(_left, bytes.Length)];
                    take(part);
                    _left -= part.Length;
                    _afterChunk = _left == 0;
                    bytes = bytes[part.Length..];
                    continue;
                }

                if (bytes[0] == '\n')
                {
                    EndLine(Encoding.ASCII.GetString([.. _line]).TrimEnd('\r'));
                    _line.Clear();
                }
                else
                {
                    _line.Add(bytes[0]);
                }

                bytes = bytes[1..];
            }
        }

        private void EndLine(string line)
        {
            if (_inHead)
            {
                _status ??= line;
                _inHead = line.Length > 0;
                Refused = _inHead || _status.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal) ? null : _status;
            }
            else if (_afterChunk)
            {
                _afterChunk = false;
            }
            else
            {
                _left = int.Parse(line, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                IsOver = _left == 0;
            }
        }
    }
}

/// <summary>A token, and the time stamp of its end.</summary>
internal sealed record LiveToken(string Text, long Ends)
{
    /// <summary>A token that ends at a whole second.</summary>
    public static LiveToken Until(DateTimeOffset end, Func<Action<Dictionary<string, object>>, string> make)
    {
        var (now, stamp) = (TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp());
        var seconds = end.ToUnixTimeSeconds();
        return new(make(claims => claims["exp"] = seconds), stamp + (long)((DateTimeOffset.FromUnixTimeSeconds(seconds) - now).TotalSeconds * Stopwatch.Frequency));
    }
}
