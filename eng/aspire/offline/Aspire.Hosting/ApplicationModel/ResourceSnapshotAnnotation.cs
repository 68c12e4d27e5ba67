namespace Aspire.Hosting.ApplicationModel;

/// <summary>The state the resource is shown with before it runs.</summary>
public class ResourceSnapshotAnnotation(CustomResourceSnapshot initialSnapshot) : IResourceAnnotation
{
    public CustomResourceSnapshot InitialSnapshot { get; } = initialSnapshot;
}
