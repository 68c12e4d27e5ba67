using Aspire.Hosting.Eventing;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>One instance of the resource has stopped or failed to start.</summary>
public class ResourceStoppedEvent(IResource resource, IServiceProvider services, ResourceEvent resourceEvent) : IDistributedApplicationResourceEvent
{
    public IResource Resource { get; } = resource;

    public IServiceProvider Services { get; } = services;

    /// <summary>The state it stopped in.</summary>
    public ResourceEvent ResourceEvent { get; } = resourceEvent;
}
