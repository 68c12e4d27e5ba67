using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Dcp;

/// <summary>Names the instances that the engine runs for a resource.</summary>
internal static class DcpNames
{
    private const int SuffixLength = 8;

    public static string RandomSuffix() => RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz", SuffixLength);

    /// <summary>Gives a resource that the engine runs its instance names, once.</summary>
    public static void EnsureInstances(IResource resource)
    {
        if (!resource.RequiresOrchestrator() || resource.HasAnnotationOfType<DcpInstancesAnnotation>())
        {
            return;
        }

        var count = resource is ProjectResource ? resource.GetReplicaCount() : 1;
        resource.Annotations.Add(new DcpInstancesAnnotation([.. Enumerable.Range(0, count).Select(index => Name(resource, index))]));
    }

    private static DcpInstance Name(IResource resource, int index)
    {
        var suffix = RandomSuffix();
        var name = resource.TryGetLastAnnotation<ContainerNameAnnotation>(out var fixedName) ? fixedName.Name : $"{resource.Name}-{suffix}";
        return new DcpInstance(name, suffix, index);
    }
}
