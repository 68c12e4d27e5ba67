using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;

namespace Aspire.Hosting.Dcp;

/// <summary>The events and states around the start of a resource, in the order that integrations rely on.</summary>
internal sealed class ResourceLifecycle(
    DistributedApplicationModel model,
    DistributedApplicationExecutionContext context,
    ResourceUrls urls,
    DependencyWaits waits,
    WorkloadMonitorServices services)
{
    public DependencyWaits Waits { get; } = waits;

    /// <summary>Shows every resource and lets those without an orchestrator start their own life.</summary>
    public async Task InitializeAsync(CancellationToken cancellationToken)
    {
        services.Eventing.Subscribe<ConnectionStringAvailableEvent>(PublishConnectionStringAsync);
        foreach (var resource in model.Resources.ToList())
        {
            var parent = (resource as IResourceWithParent)?.Parent
                ?? resource.Annotations.OfType<ResourceRelationshipAnnotation>().LastOrDefault(annotation => annotation.Type == KnownRelationshipTypes.Parent)?.Resource;
            await services.Notifications.PublishUpdateAsync(resource, snapshot => snapshot with
            {
                Relationships = ResourceSnapshots.BuildRelationships(resource),
                HealthReports = InitialHealthReports(resource),
                Properties = parent is null
                    ? snapshot.Properties
                    : ResourceSnapshots.SetProperty(snapshot.Properties, KnownProperties.ParentName, parent.GetResolvedResourceNames()[0]),
            });
            await services.Eventing.PublishAsync(
                new InitializeResourceEvent(resource, services.Eventing, services.Logs, services.Notifications, services.Provider),
                EventDispatchBehavior.NonBlockingConcurrent,
                cancellationToken);
        }
    }

    public async Task PublishAllocatedAsync(IReadOnlyList<IResource> resources, CancellationToken cancellationToken)
    {
        foreach (var resource in resources)
        {
            await services.Eventing.PublishAsync(new ResourceEndpointsAllocatedEvent(resource, services.Provider), cancellationToken);
            await urls.ComputeAsync(resource, cancellationToken);
        }
    }

    public async Task PublishCreatedAsync(Task starts, CancellationToken cancellationToken)
    {
        try
        {
            await starts;
            await services.Eventing.PublishAsync(new AfterResourcesCreatedEvent(services.Provider, model), cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The application stops while some resource still waits for another.
        }
        catch (Exception exception)
        {
            // Nobody awaits this task before the stop, and the stop must not be lost to a subscriber's mistake.
            DcpLog.SubscriberFailed(services.Logger, exception, nameof(AfterResourcesCreatedEvent));
        }
    }

    /// <summary>Takes a resource, or one instance, to the point where the engine may start it.</summary>
    /// <returns>Its environment and arguments, or null when it cannot or shall not start; its state and its log then say why.</returns>
    public async Task<ResourceConfiguration?> TryPrepareAsync(IResource resource, string? resourceId, CancellationToken cancellationToken)
    {
        try
        {
            await PublishConnectionStringAvailableAsync(resource, cancellationToken);
            await PublishAsync(resource, resourceId, snapshot => snapshot with
            {
                State = KnownResourceStates.Starting,
                HealthReports = InitialHealthReports(resource),
                ExitCode = null,
                StartTimeStamp = null,
                StopTimeStamp = null,
            });
            await services.Eventing.PublishAsync(new BeforeResourceStartedEvent(resource, services.Provider), cancellationToken);
            if (!await Waits.WaitAsync(resource, cancellationToken))
            {
                await PublishAsync(resource, resourceId, snapshot => snapshot with { State = KnownResourceStates.NotStarted });
                return null;
            }

            await PublishAsync(resource, resourceId, snapshot =>
                snapshot.State?.Text == KnownResourceStates.Waiting ? snapshot with { State = KnownResourceStates.Starting } : snapshot);
            return await ResourceConfiguration.EvaluateAsync(resource, context, services.Logs.GetLogger(resource), cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            await PublishFailureAsync(resource, resourceId, exception.Message, exception);
            return null;
        }
    }

    public async Task PublishFailureAsync(IResource resource, string? resourceId, string reason, Exception exception)
    {
        // What the model says is wrong needs no stack trace.
        var logger = resourceId is null ? services.Logs.GetLogger(resource) : services.Logs.GetLogger(resourceId);
        var cause = exception is DistributedApplicationException ? null : exception;
        DcpLog.StartFailed(logger, cause, resource.Name, reason);
        DcpLog.StartFailed(services.Logger, cause, resource.Name, reason);
        await PublishAsync(resource, resourceId, snapshot => snapshot with
        {
            State = new ResourceStateSnapshot(KnownResourceStates.FailedToStart, KnownResourceStateStyles.Error),
        });
    }

    private static System.Collections.Immutable.ImmutableArray<HealthReportSnapshot> InitialHealthReports(IResource resource) =>
        resource.TryGetAnnotationsIncludingAncestorsOfType<HealthCheckAnnotation>(out var annotations)
            ? [.. annotations.Select(annotation => new HealthReportSnapshot(annotation.Key, Status: null, Description: null, ExceptionText: null))]
            : [];

    private Task PublishAsync(IResource resource, string? resourceId, Func<CustomResourceSnapshot, CustomResourceSnapshot> change) =>
        resourceId is null
            ? services.Notifications.PublishUpdateAsync(resource, change)
            : services.Notifications.PublishUpdateAsync(resource, resourceId, change);

    private async Task PublishConnectionStringAvailableAsync(IResource resource, CancellationToken cancellationToken)
    {
        if (resource is IResourceWithConnectionString)
        {
            await services.Eventing.PublishAsync(new ConnectionStringAvailableEvent(resource, services.Provider), cancellationToken);
        }

        foreach (var child in ChildStates.Of(model, resource).ToList())
        {
            await PublishConnectionStringAvailableAsync(child, cancellationToken);
        }
    }

    private async Task PublishConnectionStringAsync(ConnectionStringAvailableEvent @event, CancellationToken cancellationToken)
    {
        if (@event.Resource is not IResourceWithConnectionString resource)
        {
            return;
        }

        var connectionString = await resource.GetConnectionStringAsync(cancellationToken);
        await services.Notifications.PublishUpdateAsync(@event.Resource, snapshot => snapshot with
        {
            Properties = ResourceSnapshots.SetProperty(
                snapshot.Properties, CustomResourceKnownProperties.ConnectionString, connectionString, isSensitive: true),
        });
    }
}
