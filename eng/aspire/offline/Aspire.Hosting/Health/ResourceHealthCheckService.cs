using System.Collections.Concurrent;
using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Orchestration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Health;

/// <summary>Runs the health checks of each running resource and tells when it is ready.</summary>
internal sealed partial class ResourceHealthCheckService(
    ResourceNotificationService notifications,
    HealthCheckService healthChecks,
    IDistributedApplicationEventing eventing,
    IServiceProvider services,
    TimeProvider timeProvider,
    ILogger<ResourceHealthCheckService> logger) : BackgroundService
{
    /// <summary>Healthy resources are asked every 30 s.</summary>
    private static readonly TimeSpan s_healthyInterval = TimeSpan.FromSeconds(30);

    /// <summary>Others after 1 s for each check that failed, 5 s at most.</summary>
    private static readonly TimeSpan s_unhealthyStep = TimeSpan.FromSeconds(1);

    private const int MaxUnhealthySteps = 5;

    private readonly ConcurrentDictionary<IResource, Monitor> _monitors = new(ReferenceEqualityComparer.Instance);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var resourceEvent in notifications.WatchAsync(stoppingToken).ConfigureAwait(false))
            {
                await ObserveAsync(resourceEvent, stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await Task.WhenAll(_monitors.Values.Select(m => m.StopAsync())).ConfigureAwait(false);
        }
    }

    // A resource is checked from its first running instance on, until the last one has stopped.
    private async Task ObserveAsync(ResourceEvent resourceEvent, CancellationToken stoppingToken)
    {
        var resource = resourceEvent.Resource;
        if (resourceEvent.Snapshot.State?.Text == KnownResourceStates.Running)
        {
            var monitor = _monitors.GetOrAdd(resource, r => Monitor.Start(token => MonitorAsync(r, token), stoppingToken));

            // A replica that came later takes part in what is known already.
            if (monitor.Ready is { } ready && resourceEvent.Snapshot.ResourceReadyEvent is null)
            {
                await notifications.PublishUpdateAsync(resource, resourceEvent.ResourceId, s => s with { ResourceReadyEvent = ready }).ConfigureAwait(false);
            }
        }
        else if (!IsAnyInstanceRunning(resource) && _monitors.TryRemove(resource, out var monitor))
        {
            await monitor.StopAsync().ConfigureAwait(false);
            await notifications.PublishUpdateAsync(resource, s => s with { ResourceReadyEvent = null }).ConfigureAwait(false);
        }
    }

    private bool IsAnyInstanceRunning(IResource resource)
        => resource.GetResolvedResourceNames().Any(id => notifications.TryGetCurrentState(id, out var state) && state.Snapshot.State?.Text == KnownResourceStates.Running);

    private async Task MonitorAsync(IResource resource, CancellationToken cancellationToken)
    {
        var keys = ResourceInitializer.HealthCheckKeys(resource).ToHashSet(StringComparer.Ordinal);
        if (keys.Count == 0)
        {
            await AnnounceReadyAsync(resource, cancellationToken).ConfigureAwait(false);
            return;
        }

        while (!cancellationToken.IsCancellationRequested)
        {
            var reports = await CheckAsync(resource, keys, cancellationToken).ConfigureAwait(false);
            await notifications.PublishUpdateAsync(resource, s => s with { HealthReports = reports }).ConfigureAwait(false);
            var failed = reports.Count(r => r.Status != HealthStatus.Healthy);
            if (failed == 0)
            {
                await AnnounceReadyAsync(resource, cancellationToken).ConfigureAwait(false);
            }

            var delay = failed == 0 ? s_healthyInterval : s_unhealthyStep * Math.Min(MaxUnhealthySteps, failed);
            await Task.Delay(delay, timeProvider, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<ImmutableArray<HealthReportSnapshot>> CheckAsync(IResource resource, HashSet<string> keys, CancellationToken cancellationToken)
    {
        var now = timeProvider.GetUtcNow().UtcDateTime;
        try
        {
            var report = await healthChecks.CheckHealthAsync(registration => keys.Contains(registration.Name), cancellationToken).ConfigureAwait(false);
            return [.. keys.Select(key => report.Entries.TryGetValue(key, out var entry)
                ? new HealthReportSnapshot(key, entry.Status, entry.Description, entry.Exception?.ToString()) { LastRunAt = now }
                : new HealthReportSnapshot(key, HealthStatus.Unhealthy, $"The health check '{key}' is not registered and is required for resource '{resource.Name}'.", ExceptionText: null) { LastRunAt = now })];
        }
#pragma warning disable CA1031 // A check that cannot be run counts as failed, with its reason in the dashboard.
        catch (Exception ex) when (ex is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            LogCheckFailed(ex, resource.Name);
            return [.. keys.Select(key => new HealthReportSnapshot(key, HealthStatus.Unhealthy, ex.Message, ex.ToString()) { LastRunAt = now })];
        }
    }

    private Task AnnounceReadyAsync(IResource resource, CancellationToken cancellationToken)
    {
        if (!_monitors.TryGetValue(resource, out var monitor) || monitor.Ready is not null)
        {
            return Task.CompletedTask;
        }

        // Subscribers may take long; whoever waits for readiness awaits this task.
        var told = Task.Run(() => eventing.PublishAsync(new ResourceReadyEvent(resource, services), cancellationToken), cancellationToken);
        var ready = monitor.Ready = new EventSnapshot(told);
        return notifications.PublishUpdateAsync(resource, s => s with { ResourceReadyEvent = ready });
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The health checks of resource '{ResourceName}' could not be run.")]
    private partial void LogCheckFailed(Exception exception, string resourceName);

    private sealed class Monitor
    {
        private readonly CancellationTokenSource _stopping;
        private Task _run = Task.CompletedTask;

        private Monitor(CancellationToken hostStopping)
        {
            _stopping = CancellationTokenSource.CreateLinkedTokenSource(hostStopping);
        }

        public EventSnapshot? Ready { get; set; }

        public static Monitor Start(Func<CancellationToken, Task> run, CancellationToken hostStopping)
        {
            var monitor = new Monitor(hostStopping);
            monitor._run = Task.Run(() => run(monitor._stopping.Token), CancellationToken.None);
            return monitor;
        }

        public async Task StopAsync()
        {
            await _stopping.CancelAsync().ConfigureAwait(false);
            try
            {
                await _run.ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // The monitor ends this way.
            }
        }
    }
}
