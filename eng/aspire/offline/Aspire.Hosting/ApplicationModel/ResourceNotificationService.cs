using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Holds the state of each resource, tells about changes, and waits for them.</summary>
public partial class ResourceNotificationService : IDisposable
{
    private readonly ConcurrentDictionary<string, InstanceState> _instances = new(StringComparer.OrdinalIgnoreCase);
    private readonly CancellationTokenSource _disposing = new();
    private readonly Lock _subscribersLock = new();
    private readonly ILogger<ResourceNotificationService> _logger;
    private readonly IServiceProvider _serviceProvider;
    private readonly ResourceLoggerService _resourceLoggerService;
    private ImmutableArray<ChannelWriter<ResourceEvent>> _subscribers = [];

    public ResourceNotificationService(ILogger<ResourceNotificationService> logger, IHostApplicationLifetime hostApplicationLifetime, IServiceProvider serviceProvider, ResourceLoggerService resourceLoggerService)
    {
        ArgumentNullException.ThrowIfNull(hostApplicationLifetime);
        _logger = logger;
        _serviceProvider = serviceProvider;
        _resourceLoggerService = resourceLoggerService;
        DefaultWaitBehavior = serviceProvider.GetService<IOptions<ResourceNotificationServiceOptions>>()?.Value.DefaultWaitBehavior ?? WaitBehavior.StopOnResourceUnavailable;
        hostApplicationLifetime.ApplicationStopping.Register(_disposing.Cancel);
    }

    private WaitBehavior DefaultWaitBehavior { get; }

    /// <summary>The present state of every instance, then every change, until cancelled.</summary>
    public async IAsyncEnumerable<ResourceEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateUnbounded<ResourceEvent>();
        lock (_subscribersLock)
        {
            _subscribers = _subscribers.Add(channel.Writer);
        }

        try
        {
            // Subscribed before reading, so nothing is lost; what is read twice is told apart by its version.
            var seen = new Dictionary<string, long>(StringComparer.OrdinalIgnoreCase);
            foreach (var (resourceId, instance) in _instances)
            {
                if (instance.Snapshot is { } snapshot)
                {
                    seen[resourceId] = snapshot.Version;
                    yield return new ResourceEvent(instance.Resource, resourceId, snapshot);
                }
            }

            await foreach (var resourceEvent in channel.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                if (!seen.TryGetValue(resourceEvent.ResourceId, out var version) || resourceEvent.Snapshot.Version > version)
                {
                    yield return resourceEvent;
                }
            }
        }
        finally
        {
            lock (_subscribersLock)
            {
                _subscribers = _subscribers.Remove(channel.Writer);
            }
        }
    }

    /// <summary>Changes the state of the resource, of all its instances when there are several.</summary>
    /// <param name="resource">The resource.</param>
    /// <param name="stateFactory">Makes the new state from the last one. May be called while a lock is held: it must not block.</param>
    public async Task PublishUpdateAsync(IResource resource, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        foreach (var name in resource.GetResolvedResourceNames())
        {
            await PublishUpdateAsync(resource, name, stateFactory).ConfigureAwait(false);
        }
    }

    /// <summary>Changes the state of one instance.</summary>
    /// <exception cref="InvalidOperationException">The id belongs to another resource.</exception>
    public Task PublishUpdateAsync(IResource resource, string resourceId, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        var instance = _instances.GetOrAdd(resourceId, static (_, r) => new InstanceState(r), resource);
        if (!ReferenceEquals(instance.Resource, resource))
        {
            throw new InvalidOperationException($"The resource id '{resourceId}' is already used by another instance of resource '{instance.Resource.Name}'.");
        }

        lock (instance)
        {
            var previous = instance.Snapshot;
            var next = Complete(resource, stateFactory(previous ?? CreateInitialSnapshot(resource)));
            if (previous is not null && previous.ContentEquals(next))
            {
                return Task.CompletedTask;
            }

            next = next with { Version = ++instance.Version };
            instance.Snapshot = next;
            if (previous?.State?.Text != next.State?.Text)
            {
                LogStateChanged(_logger, resourceId, previous?.State?.Text, next.State?.Text);
            }

            // Published while the instance is locked, so that subscribers see the versions in order.
            var resourceEvent = new ResourceEvent(resource, resourceId, next);
            foreach (var subscriber in _subscribers)
            {
                subscriber.TryWrite(resourceEvent);
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>The last state of an instance, by its id, or by the resource's name when there is only one instance.</summary>
    public bool TryGetCurrentState(string resourceId, [NotNullWhen(true)] out ResourceEvent? resourceEvent)
    {
        resourceEvent = null;
        if (_instances.TryGetValue(resourceId, out var instance) && instance.Snapshot is { } snapshot)
        {
            resourceEvent = new ResourceEvent(instance.Resource, resourceId, snapshot);
            return true;
        }

        var byName = _instances.Where(i => string.Equals(i.Value.Resource.Name, resourceId, StringComparison.OrdinalIgnoreCase)).Take(2).ToArray();
        if (byName is [{ Value.Snapshot: { } only } match])
        {
            resourceEvent = new ResourceEvent(match.Value.Resource, match.Key, only);
        }

        return resourceEvent is not null;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _disposing.Cancel();
        GC.SuppressFinalize(this);
    }

    private static CustomResourceSnapshot CreateInitialSnapshot(IResource resource)
        => resource.TryGetLastAnnotation<ResourceSnapshotAnnotation>(out var annotation)
            ? annotation.InitialSnapshot with { Relationships = annotation.InitialSnapshot.Relationships.IsDefaultOrEmpty ? ResourceSnapshots.BuildRelationships(resource) : annotation.InitialSnapshot.Relationships }
            : new CustomResourceSnapshot
            {
                ResourceType = ResourceSnapshots.GetResourceType(resource),
                Properties = [],
                Relationships = ResourceSnapshots.BuildRelationships(resource),
            };

    private CustomResourceSnapshot Complete(IResource resource, CustomResourceSnapshot snapshot)
    {
        if (snapshot.State?.Text != KnownResourceStates.Waiting)
        {
            snapshot = snapshot with { Properties = ResourceSnapshots.RemoveProperty(snapshot.Properties, ResourceSnapshots.WaitingForProperty) };
        }

        if (resource.TryGetLastAnnotation<ResourceIconAnnotation>(out var icon) && snapshot.IconName is null)
        {
            snapshot = snapshot with { IconName = icon.IconName, IconVariant = icon.IconVariant };
        }

        if (resource.HasAnnotationOfType<HiddenAnnotation>())
        {
            snapshot = snapshot with { IsHidden = true };
        }

        return snapshot with { Commands = ResourceSnapshots.BuildCommands(resource, snapshot, _serviceProvider) };
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Resource {ResourceId} changed state: {PreviousState} -> {State}")]
    private static partial void LogStateChanged(ILogger logger, string resourceId, string? previousState, string? state);

    private sealed class InstanceState(IResource resource)
    {
        public IResource Resource { get; } = resource;

        public CustomResourceSnapshot? Snapshot { get; set; }

        public long Version { get; set; }
    }
}
