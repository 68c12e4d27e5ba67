using System.Threading.Channels;
using SseApp.Events.Diagnostics;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.FanOut;

/// <summary>
/// A loop that owns a share of the connections and writes to them in turn. A connection gets at its turn all that came
/// since its last one: under load writes batch by themselves, otherwise nothing waits.
/// </summary>
internal sealed partial class Shard : IAsyncDisposable
{
    /// <summary>
    /// Time a stream gets to take its end when a drain is over; less than <see cref="StreamingOptions.CloseTimeout"/>, because
    /// what stops the process may kill it soon.
    /// </summary>
    public static readonly TimeSpan DrainCloseTimeout = DrainOnStop.Grace;

    // Events whose streams have all gone are not waited for longer than this.
    private const int MaxTraced = 16;

    private const int MaxBatch = 256;

    // Work for one topic before the next one has its turn, and all that is done before the queue is looked at again: a
    // fraction of a millisecond, so that those who come next get what came meanwhile. A visit costs a system call, but
    // for a client behind a relay connection only its id. Those should be visited in one go: what comes to some of them
    // in the middle of a round makes frames for different clients, which cannot become one while they wait.
    private const int Turn = 32 * VisitOfSocket;
    private const int TurnsOfBatch = 2;
    private const int VisitOfSocket = 256;
    private const int VisitOfRelayed = 1;

    private static readonly TimeSpan s_wheelResolution = TimeSpan.FromMilliseconds(25);

    // Two seconds are promised; many credentials may be revoked one after another, and each time all streams are looked at.
    private static readonly TimeSpan s_betweenRevocations = TimeSpan.FromMilliseconds(250);

    private readonly Channel<ShardWork> _queue = Channel.CreateUnbounded<ShardWork>(new UnboundedChannelOptions { SingleReader = true });
    private readonly List<StreamConnection> _connections = [];

    // Topics with members that are behind.
    private readonly Queue<TopicMembers> _behind = new();
    private readonly FlushQueue _outputs;
    private readonly TimeProvider _time;
    private readonly CredentialService _credentials;
    private readonly ILogger _logger;
    private readonly Action _endRevoked;
    private readonly Task _loop;
    private readonly List<LogEntry> _traced = new(MaxTraced);
    private int _credentialsSeen;
    private long _credentialsSeenAt;
    private int _done;

    public Shard(StreamingOptions options, TimeProvider time, CredentialService credentials, RetrySpread spread, EventsMetrics metrics, ILogger logger)
    {
        _time = time;
        _credentials = credentials;
        _logger = logger;
        _endRevoked = EndRevoked;
        _outputs = new FlushQueue(time);
        Options = options;
        Spread = spread;
        Metrics = metrics;
        Room = new QueueRoom(options.MaxQueuedEvents, metrics);
        Counts = new DeliveryCounts(metrics, Backlogs);
        Bounds = new BacklogBounds(options, metrics, Ticks(options.MaxBacklogAge));
        Wheel = new TimerWheel(Ticks(s_wheelResolution), time.GetTimestamp());
        _loop = Task.Run(RunAsync);
    }

    public StreamingOptions Options { get; }

    public RetrySpread Spread { get; }

    public EventsMetrics Metrics { get; }

    /// <summary>For bytes that only one connection gets; empty between two of them.</summary>
    public SendBuffer Own { get; } = new(2 * StreamConnection.SendThreshold);

    /// <summary>For bytes that many connections get.</summary>
    public SharedBatch Shared { get; } = new();

    public BacklogPool Backlogs { get; } = new();

    public BacklogBounds Bounds { get; }

    public DeliveryCounts Counts { get; }

    public TimerWheel Wheel { get; }

    /// <summary>For events that are to be delivered; asked by those who post them.</summary>
    public QueueRoom Room { get; }

    /// <summary>Whether there are events whose first delivery is traced, and which were not written to a stream of this shard yet.</summary>
    public bool HasTraced => _traced.Count > 0;

    /// <summary>The time stamp of this round of the loop; of its visits to members the one when the round's events had come.</summary>
    public long Now { get; private set; }

    /// <summary>
    /// The same moment in ticks of the system's clock. Whatever is delivered was published before it, so no stream gets an event of after
    /// the end of its credential, however late its time is looked at otherwise.
    /// </summary>
    public long UtcNow { get; private set; }

    /// <summary>When the drain under way ends; null for none.</summary>
    public long? DrainEnd { get; private set; }

    public void Post(ShardWorkKind kind, object target, object? value = null)
    {
        if (kind == ShardWorkKind.Deliver)
        {
            Room.Take();
        }

        _queue.Writer.TryWrite(new ShardWork(kind, target, value));
    }

    /// <summary>Runs <paramref name="work"/> in the loop, after all that was posted before.</summary>
    public void Run(Action work) => Post(ShardWorkKind.Run, work);

    /// <summary>Runs <paramref name="work"/> in the loop, which waits for it: it must be quick and keep nothing.</summary>
    public Task<T> InspectAsync<T>(Func<IReadOnlyList<StreamConnection>, T> work)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Run(() =>
        {
            try
            {
                completion.SetResult(work(_connections));
            }
#pragma warning disable CA1031 // Whoever asked gets the exception; the loop goes on.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                completion.SetException(exception);
            }
        });
        return completion.Task;
    }

    /// <summary>Begins to end every stream that fits.</summary>
    /// <param name="fits">Called in the loop, for each stream.</param>
    /// <param name="reason">A <see cref="CloseReason"/>.</param>
    /// <returns>How many.</returns>
    public Task<int> EndAsync(Predicate<StreamConnection> fits, string reason) => InspectAsync(connections =>
    {
        var ended = 0;

        // Backwards, because a stream that leaves at once is replaced by the last one.
        for (var i = connections.Count - 1; i >= 0; i--)
        {
            var connection = connections[i];
            if (connection.Closing is null && fits(connection))
            {
                connection.BeginClose(reason);
                ended++;
            }
        }

        return ended;
    });

    /// <summary>Whether a credential that was let in has not been taken back since.</summary>
    public bool StillCounts(StreamCredential credential) => _credentials.StillCounts(credential.Principal);

    /// <summary>Looks after heartbeats and deadlines.</summary>
    public void Tick() => Run(() => Wheel.Advance(Now));

    /// <summary>Ends all streams within the window; null calls that off.</summary>
    public void Drain(TimeSpan? window) => Run(() => SetDrain(window));

    /// <summary>Ends some streams that would find a better place.</summary>
    public void Shed(SheddingPlan plan) => Run(() =>
    {
        var youngest = _time.GetUtcNow().ToUnixTimeMilliseconds() - (long)Options.RebalanceMinAge.TotalMilliseconds;
        plan.Choose(_connections, youngest).ForEach(static connection => connection.BeginClose(CloseReason.Rebalance));
    });

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop;
    }

    /// <summary>Only for a connection that joins.</summary>
    /// <returns>Its place.</returns>
    public int Add(StreamConnection connection)
    {
        _connections.Add(connection);
        return _connections.Count - 1;
    }

    /// <summary>Only for the connection at that place, when it ends.</summary>
    public void RemoveAt(int index)
    {
        var last = _connections[^1];
        _connections[index] = last;
        last.MoveTo(index);
        _connections.RemoveAt(_connections.Count - 1);
    }

    /// <summary>Only for writers of this shard, from within a send.</summary>
    public void FlushSoon(RelayOutput output) => _outputs.Add(output, Now);

    /// <summary>When a stream that begins to close now is cut.</summary>
    public long CloseDeadline() => Math.Min(
        Now + Ticks(Options.CloseTimeout),
        DrainEnd is { } end ? Math.Max(Now, end) + Ticks(DrainCloseTimeout) : long.MaxValue);

    /// <param name="span">The time.</param>
    /// <param name="jitter">Differs by up to this share, at random.</param>
    public long Ticks(TimeSpan span, double jitter = 0) =>
        (long)(span.TotalSeconds * (1 + (jitter * ((2 * Random.Shared.NextDouble()) - 1))) * _time.TimestampFrequency);

    private async Task RunAsync()
    {
        while (_behind.Count > 0 || await _queue.Reader.WaitToReadAsync())
        {
            ReadClock();
            if (_credentials.Version != _credentialsSeen && _time.GetElapsedTime(_credentialsSeenAt, Now) >= s_betweenRevocations)
            {
                // Ahead of all that waits in the queue.
                TryHandle(new ShardWork(ShardWorkKind.Run, _endRevoked));
            }

            for (var taken = 0; taken < MaxBatch && _queue.Reader.TryRead(out var work); taken++)
            {
                TryHandle(work);
            }

            ReadClock();
            TryVisitMembers();
            _outputs.Flush(moreComes: _behind.Count > 0, Now);
            Counts.Report();
            Room.Release(_done);
            _done = 0;
        }
    }

    private void ReadClock()
    {
        Now = _time.GetTimestamp();
        UtcNow = _time.GetUtcNow().UtcTicks;
    }

    /// <summary>Of credentials that were revoked, whose API key was removed, or whose issuer has no such key any more; once for all that changed meanwhile.</summary>
    private void EndRevoked()
    {
        (_credentialsSeen, _credentialsSeenAt) = (_credentials.Version, Now);
        for (var i = _connections.Count - 1; i >= 0; i--)
        {
            _connections[i].EndIfRevoked();
        }
    }

    private void TryVisitMembers()
    {
        try
        {
            VisitMembers();
        }
#pragma warning disable CA1031 // A loop that ended would silence its share of the connections for ever.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogVisitFailed(_logger, exception);
        }
    }

    private void TryHandle(in ShardWork work)
    {
        try
        {
            Handle(work);
        }
#pragma warning disable CA1031 // A loop that ended would silence its share of the connections for ever.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogWorkFailed(_logger, exception, work.Kind);
        }
    }

    private void Handle(in ShardWork work)
    {
        switch (work.Kind)
        {
            case ShardWorkKind.Deliver:
                Deliver((TopicMembers)work.Target, (LogEntry)work.Value!);
                break;
            case ShardWorkKind.Replay:
                // It may have been read after the round began.
                ReadClock();
                ((StreamConnection)work.Target).OnReplay((LogEntry[])work.Value!);
                break;
            case ShardWorkKind.Join:
                // Of what it missed, too.
                ReadClock();
                ((StreamConnection)work.Target).Join();
                break;
            case ShardWorkKind.Sent:
                ((StreamConnection)work.Target).OnSent(gone: work.Value is not null);
                break;
            case ShardWorkKind.Run:
                ((Action)work.Target)();
                break;
        }
    }

    private void Deliver(TopicMembers members, LogEntry entry)
    {
        members.Head = entry.Position;
        if (members.Count == 0)
        {
            _done++;
            return;
        }

        if (!members.IsBehind)
        {
            _behind.Enqueue(members);
        }

        members.Append(entry);
        if (entry.FirstDelivery is not null)
        {
            if (_traced.Count == MaxTraced)
            {
                _traced.RemoveAt(0);
            }

            _traced.Add(entry);
        }
    }

    /// <summary>The events were written to a stream: where no other shard was first, the span of a traced one ends.</summary>
    public void EndTraces(ReadOnlySpan<LogEntry> written)
    {
        foreach (var entry in written)
        {
            if (entry.FirstDelivery is { } delivery && _traced.Remove(entry))
            {
                delivery.Stop();
            }
        }
    }

    /// <summary>Visits some of the members that are behind, each topic's in turn.</summary>
    private void VisitMembers()
    {
        for (var turn = 0; turn < TurnsOfBatch && _behind.TryDequeue(out var members); turn++)
        {
            try
            {
                for (var work = 0; work < Turn && members.TryNext(out var connection, out var index, ref _done);)
                {
                    work += connection.IsRelayed ? VisitOfRelayed : VisitOfSocket;
                    connection.TakeTurn(members, index);
                }
            }
            finally
            {
                if (members.IsBehind)
                {
                    _behind.Enqueue(members);
                }
            }
        }
    }

    private void SetDrain(TimeSpan? window)
    {
        if (window is not { } drained)
        {
            DrainEnd = null;
            _connections.ForEach(static connection => connection.Stay());
            return;
        }

        var length = Ticks(drained);
        DrainEnd = Now + length;
        StreamConnection[] order = [.. _connections];
        Random.Shared.Shuffle(order);
        for (var place = 0; place < order.Length; place++)
        {
            // A slot for each in a random order: moments drawn at random would clump, and so would the reconnects.
            order[place].EndForDrain(Now + (long)(length * ((place + Random.Shared.NextDouble()) / order.Length)));
        }
    }

    /// <summary>Logs an exception of a writer; from any thread.</summary>
    public void LogWriteFailed(Exception exception) => LogWriteFailed(_logger, exception);

    [LoggerMessage(LogLevel.Critical, "Work of kind {Kind} failed in a fan-out loop; streams may have missed an event.")]
    private static partial void LogWorkFailed(ILogger logger, Exception exception, ShardWorkKind kind);

    [LoggerMessage(LogLevel.Critical, "Writing to streams failed in a fan-out loop; one of them may have missed an event.")]
    private static partial void LogVisitFailed(ILogger logger, Exception exception);

    [LoggerMessage(LogLevel.Error, "A stream was cut because writing to it failed.")]
    private static partial void LogWriteFailed(ILogger logger, Exception exception);
}
