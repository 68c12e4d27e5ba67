namespace Aspire.Hosting.ApplicationModel;

/// <summary>The name the container runtime knows the container by.</summary>
public sealed class ContainerNameAnnotation : IResourceAnnotation
{
    public required string Name { get; set; }
}
