using SseApp.Events.Diagnostics;

namespace SseApp.Events.Replicas;

/// <summary>Drains the replica when the host stops.</summary>
internal sealed class DrainService(
    DrainState drain,
    EventsMetrics metrics,
    IHostApplicationLifetime lifetime,
    IOptions<DrainOptions> options,
    TimeProvider time,
    ILogger<DrainService> logger) : DrainOnStop(options, time, logger)
{
    protected override long Streams => metrics.ActiveConnections;

    public override Task StartingAsync(CancellationToken cancellationToken)
    {
        // SIGTERM reaches ApplicationStopping first; RequestAborted would not fire before the shutdown timeout.
        lifetime.ApplicationStopping.Register(drain.BeginForGood);
        return Task.CompletedTask;
    }

    protected override Task EndStreamsAsync(CancellationToken cancellationToken)
    {
        drain.BeginForGood();
        return Task.CompletedTask;
    }
}
