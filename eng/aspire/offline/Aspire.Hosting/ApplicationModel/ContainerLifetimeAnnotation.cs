namespace Aspire.Hosting.ApplicationModel;

/// <summary>How long the container lives.</summary>
public sealed class ContainerLifetimeAnnotation : IResourceAnnotation
{
    public required ContainerLifetime Lifetime { get; set; }
}
