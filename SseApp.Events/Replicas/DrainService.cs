using SseApp.Events.Diagnostics;

namespace SseApp.Events.Replicas;

/// <summary>Drains the replica when the host stops; without a window it ends at once.</summary>
internal sealed class DrainService(
    DrainState drain,
    ReplicaRegistration registration,
    LateRequests requests,
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

    protected override async Task EndStreamsAsync(CancellationToken cancellationToken)
    {
        // A host that is stopped without a signal comes here first; gateways must hear of it while the server still listens.
        lifetime.StopApplication();
        drain.BeginForGood();
        if (Window > TimeSpan.Zero)
        {
            await requests.CeaseAsync(registration.Left, cancellationToken);
        }
    }
}
