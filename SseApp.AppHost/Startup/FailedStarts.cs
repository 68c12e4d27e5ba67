namespace SseApp.AppHost.Startup;

/// <summary>
/// Says in the log of the AppHost what could not be started. The orchestrator says it in the dashboard alone, and whoever waits for "The cluster is ready"
/// in a terminal would wait for good: a container engine may answer and have no way to get an image. It begins before the orchestrator, whose start
/// does not end while something that others wait for has not started.
/// </summary>
internal sealed partial class FailedStarts(ResourceNotificationService notifications, IHostApplicationLifetime lifetime, ILoggerFactory loggers) : IHostedLifecycleService, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private Task _watching = Task.CompletedTask;
    private bool _isStopping;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _watching = WatchAsync();
        return Task.CompletedTask;
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // A host may be stopped once more after it has ended, and all of this is disposed of then.
        if (!Interlocked.Exchange(ref _isStopping, true))
        {
            await _stopping.CancelAsync();
            await _watching;
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _stopping.Dispose();

    private async Task WatchAsync()
    {
        var logger = loggers.CreateLogger("SseApp.AppHost");
        // What still waits when the AppHost is stopped counts as failed as well.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, lifetime.ApplicationStopping);
        var failed = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            await foreach (var change in notifications.WatchAsync(ending.Token))
            {
                if (change.Snapshot.State?.Text != KnownResourceStates.FailedToStart)
                {
                    failed.Remove(change.ResourceId);
                }
                else if (failed.Add(change.ResourceId))
                {
                    LogFailed(logger, change.Resource.Name, change.Resource is RedisResource ? " Backplane:Mode=Garnet needs no container." : "");
                }
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The AppHost stops.
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Resource} could not be started, and what waits for it does not start either; its log in the dashboard says why.{Hint}")]
    private static partial void LogFailed(ILogger logger, string resource, string hint);
}
