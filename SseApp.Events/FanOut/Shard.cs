using System.Threading.Channels;
using SseApp.Events.Diagnostics;
using SseApp.Events.Log;

namespace SseApp.Events.FanOut;

/// <summary>
/// A loop that owns a share of the connections and writes to them in turn. A connection gets at its turn all that came
/// since its last one: under load writes batch by themselves, otherwise nothing waits.
/// </summary>
internal sealed partial class Shard : IAsyncDisposable
{
    private const int MaxBatch = 256;

    private readonly Channel<ShardWork> _queue = Channel.CreateUnbounded<ShardWork>(new UnboundedChannelOptions { SingleReader = true });
    private readonly List<StreamConnection> _connections = [];
    private readonly StreamingOptions _options;
    private readonly TimeProvider _time;
    private readonly EventsMetrics _metrics;
    private readonly ILogger _logger;
    private readonly Task _loop;
    private long _now;
    private int _queuedEvents;
    private TaskCompletionSource? _room;

    public Shard(StreamingOptions options, TimeProvider time, EventsMetrics metrics, ILogger logger)
    {
        _options = options;
        _time = time;
        _metrics = metrics;
        _logger = logger;
        _wheel = new TimerWheel(Ticks(s_wheelResolution), time.GetTimestamp());
        _visit = Visit;
        _maxBacklogAge = Ticks(options.MaxBacklogAge);
        _loop = Task.Run(RunAsync);
    }

    public void Post(ShardWorkKind kind, object? target = null, object? value = null)
    {
        if (kind == ShardWorkKind.Deliver)
        {
            Interlocked.Increment(ref _queuedEvents);
        }

        _queue.Writer.TryWrite(new ShardWork(kind, target, value));
    }

    /// <summary>
    /// Whether so many events wait that live ones must not be added. The Redis client reads as fast as it can and has no
    /// way to be slowed down, so without this the queue would grow without bound.
    /// </summary>
    public bool IsFull()
    {
        if (HasRoom)
        {
            return false;
        }

        _metrics.Deferred();
        return true;
    }

    /// <summary>Completes when fewer events wait than may.</summary>
    public Task WaitForRoomAsync()
    {
        if (HasRoom)
        {
            return Task.CompletedTask;
        }

        var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting = Interlocked.CompareExchange(ref _room, waiting, null) ?? waiting;
        // The loop may have looked for it just before.
        TellRoom();
        return waiting.Task;
    }

    /// <summary>Events that wait to be delivered.</summary>
    public int QueuedEvents => Volatile.Read(ref _queuedEvents);

    private bool HasRoom => QueuedEvents < _options.MaxQueuedEvents;

    private void TellRoom()
    {
        if (Volatile.Read(ref _room) is not null && HasRoom)
        {
            Interlocked.Exchange(ref _room, null)?.TrySetResult();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop;
    }

    private async Task RunAsync()
    {
        while (_behind.Count > 0 || await _queue.Reader.WaitToReadAsync())
        {
            _now = _time.GetTimestamp();
            for (var taken = 0; taken < MaxBatch && _queue.Reader.TryRead(out var work); taken++)
            {
                TryHandle(work);
            }

            TryVisitMembers();
            FlushOutputs();
            Report();
        }
    }

    private void TryVisitMembers()
    {
        try
        {
            VisitMembers();
        }
#pragma warning disable CA1031 // As below.
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
                Deliver((TopicMembers)work.Target!, (LogEntry)work.Value!);
                break;
            case ShardWorkKind.Start:
                ((TopicMembers)work.Target!).Head = (Position)work.Value!;
                break;
            case ShardWorkKind.Replay:
                OnReplay((StreamConnection)work.Target!, (LogEntry[])work.Value!);
                break;
            case ShardWorkKind.Join:
                Join((StreamConnection)work.Target!);
                break;
            case ShardWorkKind.Close:
                BeginClose((StreamConnection)work.Target!, (string)work.Value!);
                break;
            case ShardWorkKind.Flushed:
                var flushed = (StreamConnection)work.Target!;
                OnFlushed(flushed, gone: work.Value is not null);
                SendBacklog(flushed);
                PumpReplay(flushed);
                Schedule(flushed);
                break;
            case ShardWorkKind.Tick:
                _wheel.Advance(_now, _visit);
                break;
            case ShardWorkKind.Run:
                ((Action)work.Target!)();
                break;
            case ShardWorkKind.Drain:
                SetDrain((TimeSpan?)work.Value);
                break;
            case ShardWorkKind.Shed:
                Shed((SheddingPlan)work.Value!);
                break;
        }
    }

    private void Join(StreamConnection connection)
    {
        connection.ShardIndex = _connections.Count;
        _connections.Add(connection);
        for (var slot = 0; slot < connection.Memberships.Length; slot++)
        {
            connection.MemberIndexes[slot] = -1;
            connection.Positions[slot] = connection.Starts is { } starts ? starts[slot].Position : connection.Memberships[slot].Head;
        }

        SendOpen(connection);
        SetTimes(connection);
        PumpReplay(connection);
    }

    [LoggerMessage(LogLevel.Critical, "Work of kind {Kind} failed in a fan-out loop; streams may have missed an event.")]
    private static partial void LogWorkFailed(ILogger logger, Exception exception, ShardWorkKind kind);

    [LoggerMessage(LogLevel.Critical, "A visit of streams failed in a fan-out loop; one may have missed an event.")]
    private static partial void LogVisitFailed(ILogger logger, Exception exception);

    [LoggerMessage(LogLevel.Error, "A stream was cut because writing to it failed.")]
    private static partial void LogWriteFailed(ILogger logger, Exception exception);
}
