namespace SseApp.AppHost.Supervision;

/// <summary>Follows the states of all supervised instances.</summary>
internal sealed class Supervisor(
    ResourceNotificationService notifications,
    ResourceCommandService commands,
    ResourceLoggerService logs,
    IRestartReport report,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<Supervisor> logger) : BackgroundService
{
    private readonly Dictionary<string, SupervisedInstance> _instances = new(StringComparer.Ordinal);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Ctrl+C stops the resources before this service: their ends are no crashes.
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        var services = new SupervisorServices(notifications, commands, logs, report, time, logger, stopping.Token);
        try
        {
            // A resource without the annotation, such as the hidden "events-rebuilder", is none of ours.
            await foreach (var change in notifications.WatchAsync(stopping.Token))
            {
                if (change.Resource.Annotations.OfType<RestartPolicyAnnotation>().LastOrDefault() is { } annotation)
                {
                    if (!_instances.TryGetValue(change.ResourceId, out var instance))
                    {
                        instance = new SupervisedInstance(change.Resource, change.ResourceId, annotation.Policy, services);
                        _instances.Add(change.ResourceId, instance);
                    }

                    await instance.ObserveAsync(change.Snapshot);
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The AppHost stops.
        }
    }
}
