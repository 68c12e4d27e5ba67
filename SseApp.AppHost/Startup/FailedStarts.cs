using SseApp.AppHost.Backplane;

namespace SseApp.AppHost.Startup;

/// <summary>
/// Says in the log of the AppHost what could not be started. The orchestrator says it in the dashboard alone, and whoever waits for "The cluster is ready"
/// in a terminal would wait for good: a container engine may answer and have no way to get an image.
/// </summary>
internal sealed partial class FailedStarts(ResourceNotificationService notifications, IHostApplicationLifetime lifetime, ILoggerFactory loggers) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        var logger = loggers.CreateLogger("SseApp.AppHost");
        var failed = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            await foreach (var change in notifications.WatchAsync(stopping.Token))
            {
                var state = change.Snapshot.State?.Text;
                if (state != KnownResourceStates.FailedToStart)
                {
                    failed.Remove(change.ResourceId);
                }
                else if (failed.Add(change.ResourceId))
                {
                    LogFailed(logger, change.Resource.Name, change.Resource is RedisResource ? $" {BackplaneOptions.SectionName}:{nameof(BackplaneOptions.Mode)}={nameof(BackplaneMode.Garnet)} needs no container." : "");
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The AppHost stops.
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Resource} could not be started, and what waits for it does not start either; its log in the dashboard says why.{Hint}")]
    private static partial void LogFailed(ILogger logger, string resource, string hint);
}
