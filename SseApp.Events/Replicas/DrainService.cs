using Microsoft.Extensions.Options;
using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Events.Replicas;

/// <summary>
/// Drains when the host stops. The wait is in StoppingAsync, before any service stops: the server still listens, so a
/// late client gets <c>stream.unavailable</c> instead of a refused connection.
/// </summary>
internal sealed partial class DrainService(
    DrainState drain,
    EventsMetrics metrics,
    IHostApplicationLifetime lifetime,
    IOptions<DrainOptions> options,
    TimeProvider time,
    ILogger<DrainService> logger) : IHostedLifecycleService
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(25);

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        // SIGTERM reaches ApplicationStopping first; RequestAborted would not fire before the shutdown timeout.
        lifetime.ApplicationStopping.Register(drain.BeginForGood);
        return Task.CompletedTask;
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        drain.BeginForGood();
        var started = time.GetTimestamp();
        var streams = metrics.ActiveConnections;
        var limit = options.Value.Window + Shard.DrainCloseTimeout;
        while (metrics.ActiveConnections > 0 && time.GetElapsedTime(started) < limit && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(s_poll, time, CancellationToken.None);
        }

        LogDrained(streams, time.GetElapsedTime(started).TotalSeconds, metrics.ActiveConnections);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(LogLevel.Information, "Drained {Streams} streams in {Seconds:0.0} s; {Left} left.")]
    private partial void LogDrained(long streams, double seconds, long left);
}
