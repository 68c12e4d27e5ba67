using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;

namespace SseApp.Events.Replicas;

/// <summary>Whether this replica is draining. Everything that depends on it hears of a change at once.</summary>
internal sealed partial class DrainState(
    ShardSet shards, EventsMetrics metrics, IOptions<DrainOptions> options, ILogger<DrainState> logger) : IDisposable
{
    private readonly Lock _gate = new();
    private CancellationTokenSource _change = new();
    private bool _draining;
    private bool _stopping;

    public bool IsDraining => Volatile.Read(ref _draining);

    /// <summary>It is draining for good.</summary>
    public bool IsStopping => Volatile.Read(ref _stopping);

    /// <summary>Cancelled at the next change. Take it before looking at <see cref="IsDraining"/>, and none is missed.</summary>
    public CancellationToken NextChange
    {
        get
        {
            lock (_gate)
            {
                return _change.Token;
            }
        }
    }

    /// <summary>Refuses new streams and ends the open ones within the window. Calling it again changes nothing.</summary>
    public void Begin()
    {
        CancellationTokenSource change;
        lock (_gate)
        {
            if (_draining)
            {
                return;
            }

            Volatile.Write(ref _draining, true);
            change = Exchange();
            metrics.DrainStarted();
            Array.ForEach(shards.All, shard => shard.Drain(options.Value.Window));
        }

        LogBegun(metrics.ActiveConnections, options.Value.Window.TotalSeconds);
        change.Cancel();
    }

    /// <summary>As <see cref="Begin"/>, and there is no way back.</summary>
    public void BeginForGood()
    {
        lock (_gate)
        {
            Volatile.Write(ref _stopping, true);
        }

        Begin();
    }

    /// <summary>Takes streams again; those that have not ended yet stay. No effect once the process is stopping.</summary>
    public void End()
    {
        CancellationTokenSource change;
        lock (_gate)
        {
            if (!_draining || _stopping)
            {
                return;
            }

            Volatile.Write(ref _draining, false);
            change = Exchange();
            metrics.DrainEnded();
            Array.ForEach(shards.All, static shard => shard.Drain(null));
        }

        LogEnded(metrics.ActiveConnections);
        change.Cancel();
    }

    public void Dispose() => _change.Dispose();

    private CancellationTokenSource Exchange()
    {
        var passed = _change;
        _change = new CancellationTokenSource();
        return passed;
    }

    [LoggerMessage(LogLevel.Information, "Draining: {Streams} streams end within {Seconds:0.#} s.")]
    private partial void LogBegun(long streams, double seconds);

    [LoggerMessage(LogLevel.Information, "The drain is cancelled; {Streams} streams stayed.")]
    private partial void LogEnded(long streams);
}
