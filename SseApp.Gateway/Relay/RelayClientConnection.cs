using System.Diagnostics;
using SseApp.Gateway.Telemetry;
using SseApp.ServiceDefaults.Cluster.Relay;

namespace SseApp.Gateway.Relay;

/// <summary>
/// One relay connection to a replica. Its reader writes to the clients itself, one after the other: sends do not wait,
/// so a client that does not read holds up nobody.
/// </summary>
internal sealed partial class RelayClientConnection : IRelayFrameHandler, IDisposable
{
    // So much work, in the protocol's cost, is done at a time before others get the thread.
    private const long Slice = 64 * 1024;

    // Thousands of clients that come back at once, with long requests.
    private const int MaxWaiting = 64 * 1024 * 1024;

    private readonly Stream _stream;
    private readonly RelayOutput _output;
    private readonly string _replica;
    private readonly int _maxStreams;
    private readonly int _maxRequests;
    private readonly GatewayMetrics _metrics;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _gate = new();
    private readonly RelaySlots<RelayClientStream> _streams = new();
    private readonly RelaySlots<RelayClientRequest> _requests = new();
    private readonly SendBuffer _buffer = new(64 * 1024);
    private bool _closed;
    private bool _quiet;
    private int _reported;
    private long _lastHeard = Stopwatch.GetTimestamp();
    private int _unanswered;
    private long _work;
    private long _unacknowledged;
    private long _idleSince;

    /// <param name="stream">The connection.</param>
    /// <param name="replica">Whose it is.</param>
    /// <param name="maxStreams">Streams that the replica takes on it.</param>
    /// <param name="maxRequests">Requests that may be under way on it; 0 where the replica takes none.</param>
    /// <param name="options">This gateway's.</param>
    /// <param name="metrics">Count the streams that are lost with it.</param>
    /// <param name="logger">Says how it ends.</param>
    public RelayClientConnection(Stream stream, string replica, int maxStreams, int maxRequests, RelayOptions options, GatewayMetrics metrics, ILogger logger)
    {
        _metrics = metrics;
        _maxRequests = maxRequests;
        _stream = stream;
        _replica = replica;
        _maxStreams = maxStreams;
        _logger = logger;
        Options = options;
        // What a gateway sends is little, and answers what the replica sends: it needs no window. What waits is its clients'
        // requests, for as long as a replica may be silent.
        _output = new RelayOutput(stream, long.MaxValue, MaxWaiting);
        _idleSince = Stopwatch.GetTimestamp();
        _ = Task.Run(RunAsync);
    }

    public RelayOptions Options { get; }

    public bool IsOpen => !Volatile.Read(ref _closed);

    /// <summary>Streams that the replica has not ended.</summary>
    public int Count => _streams.Count;

    /// <summary>It carries as many streams as the replica allows.</summary>
    public bool IsFull => Count >= _maxStreams;

    /// <summary>True for one caller only: a connection that broke is one failure, however many streams it carried.</summary>
    public bool TryReport() => Interlocked.Exchange(ref _reported, 1) == 0;

    /// <summary>Ends the connection if it has had no stream for so long.</summary>
    public void EndIfIdle(TimeSpan limit)
    {
        lock (_gate)
        {
            // Together, or a stream that is opened in this moment would be lost with the connection.
            if (_closed || _streams.Count > 0 || _requests.Count > 0 || Stopwatch.GetElapsedTime(_idleSince) < limit)
            {
                return;
            }

            _closed = true;
        }

        Dispose();
    }

    /// <returns>Null when the connection is over or full.</returns>
    /// <exception cref="RelayRefusedException">The request is too long to be relayed.</exception>
    public RelayClientStream? Open(string target, IReadOnlyCollection<KeyValuePair<string, string>> headers, bool counts)
    {
        if (!RelayOpen.IsValid(target, headers))
        {
            throw new RelayRefusedException("The request has characters that a relay connection does not carry.");
        }

        RelayClientStream stream;
        lock (_gate)
        {
            if (_closed || IsFull)
            {
                return null;
            }

            stream = _streams.Add(id => new RelayClientStream(this, id, counts));
        }

        if (!_output.Append(RelayFrameType.Open, new RelayOpen(stream.Id, target, headers), static (writer, open) => open.Write(writer)))
        {
            Release(stream.Id);
            // Not a fault of the replica: as a request of its own it gets a status.
            return IsOpen ? throw new RelayRefusedException("The request is too long to be relayed.") : null;
        }

        // Of many that come at once.
        _output.FlushSoon();
        return stream;
    }

    /// <summary>Asks the replica something short.</summary>
    /// <returns>Null when the connection is over, or takes no request now.</returns>
    /// <exception cref="RelayRefusedException">The request is too long to be relayed.</exception>
    public RelayClientRequest? Ask(string target, IReadOnlyCollection<KeyValuePair<string, string>> headers, ReadOnlyMemory<byte> body)
    {
        if (!RelayOpen.IsValid(target, headers))
        {
            throw new RelayRefusedException("The request has characters that a relay connection does not carry.");
        }

        RelayClientRequest request;
        lock (_gate)
        {
            if (!TakesRequests)
            {
                return null;
            }

            request = _requests.Add(id => new RelayClientRequest(this, id));
            // Within the gate: nothing may follow the word that nothing follows.
            if (!_output.Append(RelayFrameType.Request, new RelayRequest(request.Id, target, headers, body), static (writer, value) => value.Write(writer)))
            {
                _requests.Remove(request.Id);
                return _closed ? null : throw new RelayRefusedException("The request is too long to be relayed.");
            }
        }

        _output.FlushSoon();
        return request;
    }

    /// <summary>The replica has said that it stops; it takes no request any more.</summary>
    public bool IsStopping => Volatile.Read(ref _quiet);

    /// <summary>Whether a publish can be sent over it now; otherwise it takes a request of its own.</summary>
    public bool TakesRequests => !Volatile.Read(ref _closed) && !Volatile.Read(ref _quiet) && _requests.Count < _maxRequests;

    /// <summary>Nobody waits for the answer; its number is free when it has come.</summary>
    public void Cancel(RelayClientRequest request)
    {
        lock (_gate)
        {
            // The answer may have come in this moment, and the number be another request's.
            if (!ReferenceEquals(_requests.Find(request.Id), request))
            {
                return;
            }

            _output.Append(RelayFrameType.Cancel, request.Id);
        }

        _output.Flush();
    }

    public void Report(RelayClientStream stream, bool blocked)
    {
        _output.Append(blocked ? RelayFrameType.Blocked : RelayFrameType.Ready, stream.Id);
        _output.Flush();
    }

    public void ReportClosed(RelayClientStream stream)
    {
        _output.Append(RelayFrameType.Close, stream.Id);
        _output.FlushSoon();
    }

    /// <summary>Asks whether the replica is there, ends the connection if it has been silent, and looks after slow clients.</summary>
    public void Tick()
    {
        // Two questions, because after a pause of this process itself the answers are here and only not read yet.
        if (Interlocked.Increment(ref _unanswered) > 2 && Stopwatch.GetElapsedTime(Volatile.Read(ref _lastHeard)) > Options.PingTimeout)
        {
            LogSilent(_replica, Options.PingTimeout.TotalSeconds, Count);
            Dispose();
            return;
        }

        _output.Append(RelayFrameType.Ping, 0, static (_, _) => { });
        _output.Flush();
        var now = Stopwatch.GetTimestamp();
        foreach (var stream in _streams.All)
        {
            stream.Check(now, Ticks(Options.PingInterval));
        }
    }

    /// <summary>Ends the connection; its reader ends the streams.</summary>
    public void Dispose()
    {
        Volatile.Write(ref _closed, true);
        _ending.Cancel();
        _output.Fail();
        // A read does not always heed its token.
        _stream.Dispose();
    }

    public void OnFrame(RelayFrameType type, ReadOnlySpan<byte> body)
    {
        var (length, deliveries) = (body.Length, 0);
        switch (type)
        {
            case RelayFrameType.Data:
                var data = RelayData.Read(body);
                deliveries = data.Count;
                Deliver(data);
                break;
            case RelayFrameType.Head:
                var head = RelayHead.Read(body);
                Find(head.Id).OnHead(head);
                break;
            case RelayFrameType.End:
                var id = RelayHeaders.ReadNumber(ref body);
                var clean = RelayHeaders.ReadNumber(ref body) == 1;
                RelayHeaders.ReadEnd(body);
                Find(id).OnEnd(clean);
                Release(id);
                break;
            case RelayFrameType.Pong:
                RelayHeaders.ReadEnd(body);
                break;
            case RelayFrameType.Answer:
                OnAnswer(RelayAnswer.Read(body));
                break;
            case RelayFrameType.Stopping:
                RelayHeaders.ReadEnd(body);
                OnStopping();
                break;
            default:
                throw new RelayProtocolException($"A replica does not send frames of type {(int)type}.");
        }

        if (_output.IsOverflowed)
        {
            throw new RelayProtocolException("It does not read what this gateway sends.");
        }

        var cost = RelayProtocol.Cost(RelayProtocol.HeaderLength + length, deliveries);
        _work += cost;
        _unacknowledged += cost;
        if (_unacknowledged >= Slice)
        {
            // Now, not when all that came is handled: the next frame travels while this one is delivered.
            Acknowledge();
        }
    }

    public bool OnPause()
    {
        Volatile.Write(ref _lastHeard, Stopwatch.GetTimestamp());
        Volatile.Write(ref _unanswered, 0);
        if (_unacknowledged > 0)
        {
            Acknowledge();
        }

        var busy = _work >= Slice;
        _work = 0;
        return busy;
    }

    private void Acknowledge()
    {
        _output.Append(RelayFrameType.Done, _unacknowledged, static (writer, cost) => RelayHeaders.WriteLong(writer, cost));
        _output.Flush();
        _unacknowledged = 0;
    }

    private static long Ticks(TimeSpan span) => (long)(span.TotalSeconds * Stopwatch.Frequency);

    private void Deliver(RelayData data)
    {
        _buffer.Clear();
        data.Payload.CopyTo(_buffer.GetSpan(data.Payload.Length));
        _buffer.Advance(data.Payload.Length);
        var events = CountEvents(data.Payload);
        byte[]? copy = null;
        for (var i = 0; i < data.Count; i++)
        {
            Find(data[i]).Deliver(_buffer, ref copy, events);
        }
    }

    /// <summary>
    /// Replicas send whole events, each with an <c>id:</c> line. Within data no line can begin so, because each of its
    /// lines begins with <c>data:</c>.
    /// </summary>
    internal static int CountEvents(ReadOnlySpan<byte> payload)
    {
        var count = payload.StartsWith("id: "u8) ? 1 : 0;
        return count + payload.Count("\nid: "u8);
    }

    private RelayClientStream Find(int id) =>
        _streams.Find(id) ?? throw new RelayProtocolException($"The replica sent something for stream {id}, which is not open.");

    private void Release(int id)
    {
        lock (_gate)
        {
            if (_streams.Remove(id))
            {
                _idleSince = Stopwatch.GetTimestamp();
            }
        }
    }

    private void OnAnswer(RelayAnswer answer)
    {
        var request = _requests.Find(answer.Id) ?? throw new RelayProtocolException($"The replica answered request {answer.Id}, which is not under way.");
        lock (_gate)
        {
            _requests.Remove(answer.Id);
            _idleSince = Stopwatch.GetTimestamp();
        }

        request.OnAnswer(answer);
    }

    private void OnStopping()
    {
        lock (_gate)
        {
            _quiet = true;
            _output.Append(RelayFrameType.Quiet, 0, static (_, _) => { });
        }

        _output.Flush();
    }

    private async Task RunAsync()
    {
        Exception reason = new IOException("The replica ended the connection.");
        try
        {
            await RelayInput.ReadAsync(_stream, this, _ending.Token);
        }
        catch (RelayProtocolException exception)
        {
            reason = exception;
            LogDamaged(_replica, exception.Message);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException)
        {
            reason = exception;
        }
#pragma warning disable CA1031 // Whatever it is, the streams of this connection must not wait for ever.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            reason = exception;
            LogFailed(_replica, exception);
        }

        RelayClientStream[] streams;
        RelayClientRequest[] requests;
        lock (_gate)
        {
            _closed = true;
            streams = [.. _streams.All];
            requests = [.. _requests.All];
        }

        if (streams.Length > 0 && !_ending.IsCancellationRequested)
        {
            LogBroken(_replica, streams.Length, reason.Message);
        }

        Dispose();
        // At once, and not one by one as they end: who looks at the metrics sees the whole loss.
        _metrics.StreamsLost.Add(streams.Count(stream => stream.OnBroken(reason) && stream.Counts));

        foreach (var request in requests)
        {
            request.OnBroken(reason);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The relay connection to replica {Replica} broke with {Streams} streams on it; they end, and their clients reconnect: {Reason}")]
    private partial void LogBroken(string replica, int streams, string reason);

    [LoggerMessage(LogLevel.Warning, "Replica {Replica} did not answer pings for {Seconds} s; its {Streams} streams on this connection end.")]
    private partial void LogSilent(string replica, double seconds, int streams);

    [LoggerMessage(LogLevel.Error, "The relay connection to replica {Replica} was closed because the peer violated the relay protocol: {Reason} Use gateway and replicas of the same release, or set Relay:Enabled to false.")]
    private partial void LogDamaged(string replica, string reason);

    [LoggerMessage(LogLevel.Critical, "The relay connection to replica {Replica} failed.")]
    private partial void LogFailed(string replica, Exception exception);
}
