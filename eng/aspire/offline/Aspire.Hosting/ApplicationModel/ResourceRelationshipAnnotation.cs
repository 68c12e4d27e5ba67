namespace Aspire.Hosting.ApplicationModel;

/// <summary>A relationship shown in the dashboard.</summary>
public sealed class ResourceRelationshipAnnotation(IResource resource, string type) : IResourceAnnotation
{
    public IResource Resource { get; } = resource;

    /// <summary>One of <see cref="KnownRelationshipTypes"/> or a type of one's own.</summary>
    public string Type { get; } = type;
}
