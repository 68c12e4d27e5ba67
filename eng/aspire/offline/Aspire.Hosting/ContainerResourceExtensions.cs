using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Finds containers in the model.</summary>
public static class ContainerResourceExtensions
{
    public static IEnumerable<IResource> GetContainerResources(this DistributedApplicationModel model)
        => model.Resources.Where(IsContainer);

    public static bool IsContainer(this IResource resource) => resource.HasAnnotationOfType<ContainerImageAnnotation>();
}
