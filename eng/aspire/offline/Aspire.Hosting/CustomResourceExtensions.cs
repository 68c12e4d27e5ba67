using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Configures resources that code of one's own runs.</summary>
public static class CustomResourceExtensions
{
    /// <summary>The state the resource is shown with first.</summary>
    public static IResourceBuilder<TResource> WithInitialState<TResource>(this IResourceBuilder<TResource> builder, CustomResourceSnapshot initialSnapshot)
        where TResource : IResource
        => builder.WithAnnotation(new ResourceSnapshotAnnotation(initialSnapshot), ResourceAnnotationMutationBehavior.Replace);
}
