namespace SseApp.AppHost.Supervision;

/// <summary>What an instance's supervision needs of the AppHost.</summary>
internal sealed record SupervisorServices(
    ResourceNotificationService Notifications,
    ResourceCommandService Commands,
    ResourceLoggerService Logs,
    IRestartReport Report,
    ReplicaSigns Signs,
    LivenessProbe Probe,
    TimeProvider Time,
    ILogger Logger,
    CancellationToken Stopping);
