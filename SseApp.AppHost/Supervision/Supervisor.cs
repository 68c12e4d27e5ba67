using System.Collections.Concurrent;

namespace SseApp.AppHost.Supervision;

/// <summary>Follows the states of all supervised instances, and looks whether they hang or are slow.</summary>
internal sealed class Supervisor(
    ResourceNotificationService notifications,
    ResourceCommandService commands,
    ResourceLoggerService logs,
    IRestartReport report,
    ReplicaSigns signs,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<Supervisor> logger) : BackgroundService
{
    private readonly ConcurrentDictionary<string, SupervisedInstance> _instances = new(StringComparer.Ordinal);
    private readonly List<Task> _guards = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Ctrl+C stops the resources before this service: their ends are no crashes.
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        using var probe = new LivenessProbe();
        var services = new SupervisorServices(notifications, commands, logs, report, signs, probe, time, logger, stopping.Token);
        try
        {
            _guards.Add(WatchSlowAsync(stopping.Token));

            // A resource without the annotation, such as the hidden "events-rebuilder", is none of ours.
            await foreach (var change in notifications.WatchAsync(stopping.Token))
            {
                if (change.Resource.Annotations.OfType<RestartPolicyAnnotation>().LastOrDefault() is { } annotation)
                {
                    if (!_instances.TryGetValue(change.ResourceId, out var instance))
                    {
                        instance = new SupervisedInstance(change.Resource, change.ResourceId, annotation.Policy, services, annotation.Question);
                        _instances[change.ResourceId] = instance;
                        _guards.Add(instance.GuardAsync());
                    }

                    await instance.ObserveAsync(change.Snapshot);
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The AppHost stops.
        }

        await Task.WhenAll(_guards);
    }

    private async Task WatchSlowAsync(CancellationToken cancellationToken)
    {
        var watches = new Dictionary<IResource, SlowWatch>();
        using var timer = new PeriodicTimer(LivenessProbe.Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                foreach (var instances in _instances.Values.Where(instance => instance.Policy.SlowAfter > TimeSpan.Zero).GroupBy(instance => instance.Resource))
                {
                    var watch = watches.TryGetValue(instances.Key, out var known) ? known : watches[instances.Key] = new SlowWatch(instances.First().Policy, time);
                    var readings = instances.Select(instance => new SlowReading(
                        instance.Id, instance.Sign?.State == ReplicaSigns.Ready, instance.Sign?.SchedulingDelay ?? default, instance.IsRestarting)).ToArray();
                    if (watch.Next(readings) is { } id)
                    {
                        await _instances[id].RestartSlowAsync();
                    }
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The AppHost stops.
        }
    }
}
