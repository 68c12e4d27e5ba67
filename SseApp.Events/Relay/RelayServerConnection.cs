using System.Collections.Concurrent;
using SseApp.Events.FanOut;

namespace SseApp.Events.Relay;

/// <summary>
/// A gateway's connection and the streams on it. All of them belong to one shard: it writes what they have in common
/// once, and flushes the connection once after each batch.
/// </summary>
internal sealed class RelayServerConnection(
    HttpContext carrier,
    Stream stream,
    RelayOptions options,
    int shardIndex,
    ShardSet shards,
    IHttpContextFactory contexts,
    RelayPipeline pipeline,
    RelayedApplication application,
    bool takesRequests,
    ILogger logger,
    CancellationTokenSource ending) : IRelayFrameHandler
{
    // What the gateway has not taken by then is lost with the connection; clients resume.
    private static readonly TimeSpan s_endLimit = TimeSpan.FromSeconds(2);

    private static readonly KeyValuePair<string, string>[] s_full = [KeyValuePair.Create(StreamHeaders.Refused, RelayProtocol.FullReason)];

    private readonly ConcurrentDictionary<int, RelayServerStream> _streams = new();
    private readonly ConcurrentDictionary<int, RelayServerExchange> _exchanges = new();
    private volatile bool _stopping;
    private volatile bool _quiet = !takesRequests;
    private int _running;
    private int _open;
    private int _underWay;

    /// <summary>The request that was upgraded; its addresses and scheme are those of the streams.</summary>
    public HttpContext Carrier => carrier;

    public int ShardIndex => shardIndex;

    public RelayOutput Output { get; } = new(stream, options.Window, MaxControl(options));

    public Shard Shard => shards.All[shardIndex];

    // Rejects large frames early: a gateway never sends DATA.
    public int MaxLength(RelayFrameType type) => RelayProtocol.MaxControlLength;

    public void OnFrame(RelayFrameType type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case RelayFrameType.Open:
                Open(RelayOpen.Read(body));
                break;
            case RelayFrameType.Request when takesRequests:
                Exchange(RelayRequest.Read(body));
                break;
            case RelayFrameType.Cancel:
                _exchanges.GetValueOrDefault(ReadId(body))?.Abort();
                break;
            case RelayFrameType.Quiet:
                RelayHeaders.ReadEnd(body);
                OnQuiet();
                break;
            case RelayFrameType.Close:
                Find(body)?.Abort();
                break;
            case RelayFrameType.Blocked:
                Find(body)?.SetBlocked();
                break;
            case RelayFrameType.Ready:
                Find(body)?.SetReady();
                break;
            case RelayFrameType.Ping:
                RelayHeaders.ReadEnd(body);
                Output.Append(RelayFrameType.Pong, 0, static (_, _) => { });
                Output.Flush();
                break;
            case RelayFrameType.Done:
                Output.Acknowledge(RelayHeaders.ReadLong(body));
                break;
            default:
                throw new RelayProtocolException($"A gateway does not send frames of type {(int)type}.");
        }

        if (Output.IsOverflowed)
        {
            throw new RelayProtocolException("It asks and does not read: more answers wait than a connection may have.");
        }
    }

    public bool OnPause() => false;

    /// <summary>The host stops: the connection ends with its last stream, and with the last request that its gateway has sent before it knew.</summary>
    public void BeginStop()
    {
        _stopping = true;
        if (!_quiet)
        {
            Output.Append(RelayFrameType.Stopping, 0, static (_, _) => { });
            Output.Flush();
            _ = BeQuietAsync();
        }

        EndIfStopped();
    }

    /// <summary>The connection is gone, and with it every client on it.</summary>
    public void Close()
    {
        Output.Fail();
        foreach (var request in _streams.Values.Concat<RelayServerRequest>(_exchanges.Values))
        {
            request.Abort();
        }
    }

    /// <summary>Its number is free, and so is its place.</summary>
    public void Remove(RelayServerStream request)
    {
        if (_streams.TryRemove(request.Id, out _))
        {
            Interlocked.Decrement(ref _open);
        }
    }

    /// <summary>A request is over, and its end was added to the output.</summary>
    public void OnCompleted()
    {
        Interlocked.Decrement(ref _running);
        EndIfStopped();
    }

    /// <summary>Sends the answer to a request, whose number is free then.</summary>
    public void Answer(RelayAnswer answer)
    {
        // Before the gateway can read it, because it may use the number again at once.
        _exchanges.TryRemove(answer.Id, out _);
        Interlocked.Decrement(ref _underWay);
        if (!Output.Append(RelayFrameType.Answer, answer, static (writer, value) => value.Write(writer)))
        {
            // Longer than a frame, or the gateway is gone.
            Output.Append(
                RelayFrameType.Answer, new RelayAnswer(answer.Id, StatusCodes.Status500InternalServerError, [], default), static (writer, value) => value.Write(writer));
        }

        Output.FlushSoon();
    }

    private void Exchange(RelayRequest request)
    {
        var exchange = new RelayServerExchange(this, request);
        if (!_exchanges.TryAdd(request.Id, exchange) || Interlocked.Increment(ref _underWay) > options.MaxRequestsPerConnection)
        {
            throw new RelayProtocolException($"Request {request.Id} is under way already, or more than {options.MaxRequestsPerConnection} are.");
        }

        Interlocked.Increment(ref _running);
        ThreadPool.UnsafeQueueUserWorkItem(static run => run.Connection.Run(run.Exchange), (Connection: this, Exchange: exchange), preferLocal: false);
    }

    private void Run(RelayServerExchange exchange) => _ = exchange.RunAsync(application, logger);

    private async Task BeQuietAsync()
    {
        // One that says nothing has lost its processor, or its network.
        await Task.Delay(s_endLimit, TimeProvider.System);
        OnQuiet();
    }

    private void OnQuiet()
    {
        _quiet = true;
        EndIfStopped();
    }

    private void Open(RelayOpen open)
    {
        if (_streams.ContainsKey(open.Id))
        {
            throw new RelayProtocolException($"Stream {open.Id} is open already.");
        }

        if (Interlocked.Increment(ref _open) > options.MaxStreamsPerConnection)
        {
            Interlocked.Decrement(ref _open);
            Refuse(open.Id);
            return;
        }

        var request = new RelayServerStream(this, open);
        _streams[open.Id] = request;
        Interlocked.Increment(ref _running);
        // Not here: opening may take a while, and other streams' frames wait behind this one.
        ThreadPool.UnsafeQueueUserWorkItem(static run => run.Connection.Run(run.Request), (Connection: this, Request: request), preferLocal: false);
    }

    // The connection is full. Another one need not be, and so it is no reason of the whole replica.
    private void Refuse(int id)
    {
        Output.Append(RelayFrameType.Head, new RelayHead(id, StatusCodes.Status503ServiceUnavailable, s_full), static (writer, head) => head.Write(writer));
        AppendEnd(id, clean: true);
    }

    /// <summary>Says that a stream is over, and sends what waits.</summary>
    public void AppendEnd(int id, bool clean)
    {
        Output.Append(RelayFrameType.End, (Id: id, Clean: clean), static (writer, end) =>
        {
            RelayHeaders.WriteNumber(writer, end.Id);
            RelayHeaders.WriteNumber(writer, end.Clean ? 1 : 0);
        });
        Output.Flush();
    }

    // Room for a head and an end of each stream and an answer to each request, also where many are allowed.
    private static int MaxControl(RelayOptions options) =>
        (int)Math.Clamp((400L * options.MaxStreamsPerConnection) + (4_096L * options.MaxRequestsPerConnection), RelayOutput.MaxControlBytes, int.MaxValue);

    private void Run(RelayServerStream request) => _ = request.RunAsync(contexts, pipeline, logger);

    // Null when it ended a moment ago; the gateway does not know yet.
    private RelayServerStream? Find(ReadOnlySpan<byte> body) => _streams.GetValueOrDefault(ReadId(body));

    private static int ReadId(ReadOnlySpan<byte> body)
    {
        var id = RelayHeaders.ReadNumber(ref body);
        RelayHeaders.ReadEnd(body);
        return id;
    }

    private void EndIfStopped()
    {
        if (_stopping && _quiet && Volatile.Read(ref _running) == 0)
        {
            _ = EndAsync();
        }
    }

    private async Task EndAsync()
    {
        await Output.WhenSentAsync().WaitAsync(s_endLimit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Cancel();
    }

    private void Cancel()
    {
        try
        {
            ending.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended meanwhile.
        }
    }
}
