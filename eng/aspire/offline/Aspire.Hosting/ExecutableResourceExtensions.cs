using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Finds executables in the model.</summary>
public static class ExecutableResourceExtensions
{
    public static IEnumerable<ExecutableResource> GetExecutableResources(this DistributedApplicationModel model)
        => model.Resources.OfType<ExecutableResource>();
}
