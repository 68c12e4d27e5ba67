using System.Globalization;
using System.Text;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

public partial class ResourceNotificationService
{
    /// <summary>Waits until some instance of the resource is in the state; <c>Running</c> when none is given.</summary>
    /// <exception cref="OperationCanceledException">The message tells the state reached instead.</exception>
    public async Task WaitForResourceAsync(string resourceName, string? targetState = null, CancellationToken cancellationToken = default)
    {
        var state = string.IsNullOrEmpty(targetState) ? KnownResourceStates.Running : targetState;
        await WaitForResourceAsync(resourceName, [state], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits until some instance of the resource is in one of the states, and tells which.</summary>
    public async Task<string> WaitForResourceAsync(string resourceName, IEnumerable<string> targetStates, CancellationToken cancellationToken = default)
    {
        var states = targetStates.ToArray();
        var resourceEvent = await WaitCoreAsync(
            resourceName,
            re => re.Snapshot.State?.Text is { Length: > 0 } state && states.Contains(state, StringComparer.OrdinalIgnoreCase),
            $"Resource '{resourceName}' failed to enter the state '{string.Join("' or '", states)}' before the operation was cancelled.",
            cancellationToken).ConfigureAwait(false);
        return resourceEvent.Snapshot.State!.Text;
    }

    /// <summary>Waits until the predicate is true for some instance of the resource.</summary>
    public Task<ResourceEvent> WaitForResourceAsync(string resourceName, Func<ResourceEvent, bool> predicate, CancellationToken cancellationToken = default)
        => WaitCoreAsync(resourceName, predicate, $"Resource '{resourceName}' failed to meet the predicate condition before the operation was cancelled.", cancellationToken);

    /// <summary>Waits until some instance of the resource is healthy and whoever subscribed to its readiness was told.</summary>
    public Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default)
        => WaitForResourceHealthyAsync(resourceName, DefaultWaitBehavior, cancellationToken);

    /// <inheritdoc cref="WaitForResourceHealthyAsync(string, CancellationToken)" />
    /// <exception cref="DistributedApplicationException">With <see cref="WaitBehavior.StopOnResourceUnavailable"/>: the resource failed or does not exist.</exception>
    public async Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, WaitBehavior waitBehavior, CancellationToken cancellationToken = default)
    {
        if (waitBehavior == WaitBehavior.StopOnResourceUnavailable
            && _serviceProvider.GetService(typeof(DistributedApplicationModel)) is DistributedApplicationModel model
            && !model.Resources.TryGetByName(resourceName, out _))
        {
            throw new DistributedApplicationException($"Stopped waiting for resource '{resourceName}' to become healthy because it does not exist in the application model.");
        }

        var message = $"Resource '{resourceName}' failed to become healthy before the operation was cancelled.";
        var healthy = await WaitCoreAsync(
            resourceName,
            re => re.Snapshot.HealthStatus == HealthStatus.Healthy || (waitBehavior == WaitBehavior.StopOnResourceUnavailable && IsUnavailable(re.Snapshot)),
            message,
            cancellationToken).ConfigureAwait(false);
        if (healthy.Snapshot.HealthStatus != HealthStatus.Healthy)
        {
            throw new DistributedApplicationException($"Stopped waiting for resource '{resourceName}' to become healthy because it failed to start.");
        }

        return await WaitForReadyEventAsync(resourceName, healthy.ResourceId, message, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits for everything the resource's <c>WaitFor</c> annotations name.</summary>
    /// <exception cref="DistributedApplicationException">A dependency failed and the wait behaviour says to stop.</exception>
    public async Task WaitForDependenciesAsync(IResource resource, CancellationToken cancellationToken)
    {
        var waits = resource.Annotations.OfType<WaitAnnotation>().Where(w => w.Resource is not IResourceWithoutLifetime).ToArray();
        if (waits.Length == 0)
        {
            return;
        }

        var pending = waits.SelectMany(w => w.Resource.GetResolvedResourceNames()).Distinct(StringComparer.OrdinalIgnoreCase).ToList();
        await PublishWaitingForAsync(resource, pending).ConfigureAwait(false);

        await Task.WhenAll(waits.SelectMany(wait => wait.Resource.GetResolvedResourceNames().Select(async id =>
        {
            await WaitForDependencyAsync(resource, wait, id, cancellationToken).ConfigureAwait(false);
            string[] left;
            lock (pending)
            {
                pending.Remove(id);
                left = [.. pending];
            }

            await PublishWaitingForAsync(resource, left).ConfigureAwait(false);
        }))).ConfigureAwait(false);
    }

    private static bool IsUnavailable(CustomResourceSnapshot snapshot)
        => snapshot.State?.Text is { } state
            && (KnownResourceStates.TerminalStates.Contains(state) || state == KnownResourceStates.RuntimeUnhealthy);

    private async Task WaitForDependencyAsync(IResource resource, WaitAnnotation wait, string resourceId, CancellationToken cancellationToken)
    {
        var logger = _resourceLoggerService.GetLogger(resource);
        var dependency = wait.Resource.GetResolvedResourceNames().Length > 1 ? resourceId : wait.Resource.Name;

        if (wait.WaitType == WaitType.WaitForCompletion)
        {
            LogWaitingForCompletion(logger, dependency);
            var completed = await WaitCoreAsync(
                wait.Resource.Name,
                re => re.ResourceId == resourceId && (KnownResourceStates.TerminalStates.Contains(re.Snapshot.State?.Text ?? string.Empty) || re.Snapshot.ExitCode is not null),
                $"Resource '{dependency}' failed to reach a terminal state before the operation was cancelled.",
                cancellationToken).ConfigureAwait(false);
            ThrowIfFailedToStart(resource, dependency, completed);
            if (completed.Snapshot.ExitCode is { } exitCode && exitCode != wait.ExitCode)
            {
                throw new DistributedApplicationException(
                    $"Resource '{resource.Name}' stopped waiting for dependency resource '{dependency}' because it entered the '{completed.Snapshot.State?.Text}' state with exit code '{exitCode}', expected '{wait.ExitCode}'.");
            }
        }
        else
        {
            LogWaitingForState(logger, dependency, KnownResourceStates.Running);
            var stop = (wait.WaitBehavior ?? DefaultWaitBehavior) == WaitBehavior.StopOnResourceUnavailable;
            var running = await WaitCoreAsync(
                wait.Resource.Name,
                re => re.ResourceId == resourceId && (re.Snapshot.State?.Text == KnownResourceStates.Running || (stop && IsUnavailable(re.Snapshot))),
                $"Resource '{dependency}' failed to reach the 'Running' state before the operation was cancelled.",
                cancellationToken).ConfigureAwait(false);
            ThrowIfFailedToStart(resource, dependency, running);
            if (running.Snapshot.State?.Text != KnownResourceStates.Running)
            {
                throw new DistributedApplicationException(
                    $"Resource '{resource.Name}' stopped waiting for dependency resource '{dependency}' because it entered the '{running.Snapshot.State?.Text}' state prematurely.");
            }

            if (wait.WaitType == WaitType.WaitUntilHealthy)
            {
                await WaitUntilHealthyAsync(wait.Resource, resourceId, dependency, logger, cancellationToken).ConfigureAwait(false);
            }
        }

        LogFinishedWaiting(logger, dependency);
    }

    private async Task WaitUntilHealthyAsync(IResource dependency, string resourceId, string displayName, ILogger logger, CancellationToken cancellationToken)
    {
        if (dependency.HasAnnotationIncludingAncestorsOfType<HealthCheckAnnotation>())
        {
            LogWaitingForHealth(logger, displayName);
            await WaitCoreAsync(
                dependency.Name,
                re => re.ResourceId == resourceId && re.Snapshot.HealthStatus == HealthStatus.Healthy,
                $"Resource '{displayName}' failed to become healthy before the operation was cancelled.",
                cancellationToken).ConfigureAwait(false);
        }

        await WaitForReadyEventAsync(
            dependency.Name,
            resourceId,
            $"Resource '{displayName}' failed to execute the resource ready event before the operation was cancelled.",
            cancellationToken).ConfigureAwait(false);
    }

    private async Task<ResourceEvent> WaitForReadyEventAsync(string resourceName, string resourceId, string message, CancellationToken cancellationToken)
    {
        var ready = await WaitCoreAsync(resourceName, re => re.ResourceId == resourceId && re.Snapshot.ResourceReadyEvent is not null, message, cancellationToken).ConfigureAwait(false);
        await ready.Snapshot.ResourceReadyEvent!.EventTask.WaitAsync(cancellationToken).ConfigureAwait(false);
        return ready;
    }

    private async Task<ResourceEvent> WaitCoreAsync(string resourceName, Func<ResourceEvent, bool> predicate, string cancellationMessage, CancellationToken cancellationToken)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(_disposing.Token, cancellationToken);
        try
        {
            await foreach (var resourceEvent in WatchAsync(linked.Token).ConfigureAwait(false))
            {
                if (string.Equals(resourceName, resourceEvent.Resource.Name, StringComparison.OrdinalIgnoreCase) && predicate(resourceEvent))
                {
                    return resourceEvent;
                }
            }
        }
        catch (OperationCanceledException ex)
        {
            throw new OperationCanceledException(DescribeState(cancellationMessage, resourceName), ex, ex.CancellationToken);
        }

        throw new OperationCanceledException(DescribeState(cancellationMessage, resourceName));
    }

    private string DescribeState(string message, string resourceName)
    {
        var text = new StringBuilder(message);
        var instances = _instances.Where(i => string.Equals(i.Value.Resource.Name, resourceName, StringComparison.OrdinalIgnoreCase)).ToArray();
        if (instances.Length == 0)
        {
            return text.Append(CultureInfo.InvariantCulture, $" Unable to retrieve current state for resource '{resourceName}'.").ToString();
        }

        foreach (var (id, instance) in instances)
        {
            text.AppendLine().Append(CultureInfo.InvariantCulture, $"  - {id}: State = {instance.Snapshot?.State?.Text ?? "(null)"}, Health = {instance.Snapshot?.HealthStatus?.ToString() ?? "(null)"}");
            if (instance.Snapshot?.ExitCode is { } exitCode)
            {
                text.Append(CultureInfo.InvariantCulture, $", Exit Code = {exitCode}");
            }

            foreach (var report in (instance.Snapshot?.HealthReports ?? []).Where(r => r.Status != HealthStatus.Healthy))
            {
                text.AppendLine().Append(CultureInfo.InvariantCulture, $"    health check '{report.Name}': {report.Status?.ToString() ?? "not run yet"} {report.Description}");
            }
        }

        return text.ToString();
    }

    private static void ThrowIfFailedToStart(IResource resource, string dependency, ResourceEvent resourceEvent)
    {
        if (resourceEvent.Snapshot.State?.Text == KnownResourceStates.FailedToStart)
        {
            throw new DistributedApplicationException($"Resource '{resource.Name}' stopped waiting for dependency resource '{dependency}' because it failed to start.");
        }
    }

    private Task PublishWaitingForAsync(IResource resource, IReadOnlyCollection<string> dependencies)
        => PublishUpdateAsync(resource, snapshot =>
        {
            if (dependencies.Count == 0)
            {
                return snapshot with { Properties = ResourceSnapshots.RemoveProperty(snapshot.Properties, ResourceSnapshots.WaitingForProperty) };
            }

            var state = snapshot.State?.Text;
            return state is null || state == KnownResourceStates.NotStarted || state == KnownResourceStates.Starting || state == KnownResourceStates.Waiting
                ? snapshot with
                {
                    State = KnownResourceStates.Waiting,
                    Properties = ResourceSnapshots.SetProperty(snapshot.Properties, ResourceSnapshots.WaitingForProperty, dependencies.ToArray()),
                }
                : snapshot;
        });

    [LoggerMessage(Level = LogLevel.Information, Message = "Waiting for resource '{ResourceName}' to enter the '{State}' state.")]
    private static partial void LogWaitingForState(ILogger logger, string resourceName, string state);

    [LoggerMessage(Level = LogLevel.Information, Message = "Waiting for resource '{ResourceName}' to complete.")]
    private static partial void LogWaitingForCompletion(ILogger logger, string resourceName);

    [LoggerMessage(Level = LogLevel.Information, Message = "Waiting for resource '{ResourceName}' to become healthy.")]
    private static partial void LogWaitingForHealth(ILogger logger, string resourceName);

    [LoggerMessage(Level = LogLevel.Information, Message = "Finished waiting for resource '{ResourceName}'.")]
    private static partial void LogFinishedWaiting(ILogger logger, string resourceName);
}
