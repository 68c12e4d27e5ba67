namespace Aspire.Hosting.ApplicationModel;

/// <summary>A change of a resource's state.</summary>
public class ResourceEvent(IResource resource, string resourceId, CustomResourceSnapshot snapshot)
{
    public IResource Resource { get; } = resource;

    /// <summary>The resource's name, or the id of one replica such as <c>events-abcdefgh</c>.</summary>
    public string ResourceId { get; } = resourceId;

    public CustomResourceSnapshot Snapshot { get; } = snapshot;
}
