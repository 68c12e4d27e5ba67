using System.Diagnostics.CodeAnalysis;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Reads what annotations say about a resource.</summary>
public static class ResourceExtensions
{
    /// <summary>The annotation of this type that was added last: it overrides the earlier ones.</summary>
    public static bool TryGetLastAnnotation<T>(this IResource resource, [NotNullWhen(true)] out T? annotation)
        where T : IResourceAnnotation
    {
        annotation = resource.Annotations.OfType<T>().LastOrDefault();
        return annotation is not null;
    }

    public static bool TryGetAnnotationsOfType<T>(this IResource resource, [NotNullWhen(true)] out IEnumerable<T>? result)
        where T : IResourceAnnotation
    {
        var matching = resource.Annotations.OfType<T>().ToArray();
        result = matching.Length > 0 ? matching : null;
        return result is not null;
    }

    public static bool HasAnnotationOfType<T>(this IResource resource)
        where T : IResourceAnnotation
        => resource.Annotations.Any(a => a is T);

    /// <summary>The annotations of the resource, then those of its parent, and so on.</summary>
    public static bool TryGetAnnotationsIncludingAncestorsOfType<T>(this IResource resource, [NotNullWhen(true)] out IEnumerable<T>? result)
        where T : IResourceAnnotation
    {
        var matching = new List<T>();
        for (var current = resource; current is not null; current = (current as IResourceWithParent)?.Parent)
        {
            matching.AddRange(current.Annotations.OfType<T>());
        }

        result = matching.Count > 0 ? matching : null;
        return result is not null;
    }

    public static bool HasAnnotationIncludingAncestorsOfType<T>(this IResource resource)
        where T : IResourceAnnotation
        => resource.TryGetAnnotationsIncludingAncestorsOfType<T>(out _);

    public static bool TryGetEnvironmentVariables(this IResource resource, [NotNullWhen(true)] out IEnumerable<EnvironmentCallbackAnnotation>? environmentVariables)
        => resource.TryGetAnnotationsOfType(out environmentVariables);

    public static bool TryGetEndpoints(this IResource resource, [NotNullWhen(true)] out IEnumerable<EndpointAnnotation>? endpoints)
        => resource.TryGetAnnotationsOfType(out endpoints);

    public static bool TryGetUrls(this IResource resource, [NotNullWhen(true)] out IEnumerable<ResourceUrlAnnotation>? urls)
        => resource.TryGetAnnotationsOfType(out urls);

    public static bool TryGetContainerMounts(this IResource resource, [NotNullWhen(true)] out IEnumerable<ContainerMountAnnotation>? volumeMounts)
        => resource.TryGetAnnotationsOfType(out volumeMounts);

    /// <summary>The image with registry and tag or digest, as a container runtime takes it.</summary>
    public static bool TryGetContainerImageName(this IResource resource, [NotNullWhen(true)] out string? imageName)
    {
        imageName = null;
        if (!resource.TryGetLastAnnotation<ContainerImageAnnotation>(out var image))
        {
            return false;
        }

        var registry = string.IsNullOrEmpty(image.Registry) ? string.Empty : $"{image.Registry}/";
        imageName = string.IsNullOrEmpty(image.SHA256)
            ? $"{registry}{image.Image}{(string.IsNullOrEmpty(image.Tag) ? string.Empty : $":{image.Tag}")}"
            : $"{registry}{image.Image}@sha256:{image.SHA256}";
        return true;
    }

    public static EndpointReference GetEndpoint(this IResourceWithEndpoints resource, string endpointName)
        => resource.GetEndpoint(endpointName, KnownNetworkIdentifiers.LocalhostNetwork);

    public static EndpointReference GetEndpoint(this IResourceWithEndpoints resource, string endpointName, NetworkIdentifier contextNetworkId)
        => resource.TryGetEndpoints(out var endpoints)
            && endpoints.FirstOrDefault(e => string.Equals(e.Name, endpointName, StringComparison.OrdinalIgnoreCase)) is { } endpoint
            ? new EndpointReference(resource, endpoint, contextNetworkId)
            : new EndpointReference(resource, endpointName, contextNetworkId);

    public static IEnumerable<EndpointReference> GetEndpoints(this IResourceWithEndpoints resource)
        => resource.TryGetEndpoints(out var endpoints) ? endpoints.Select(e => new EndpointReference(resource, e)) : [];

    public static int GetReplicaCount(this IResource resource)
        => resource.TryGetLastAnnotation<ReplicaAnnotation>(out var replicas) ? replicas.Replicas : 1;

    /// <summary>Whether the manifest leaves the resource out.</summary>
    public static bool IsExcludedFromPublish(this IResource resource)
        => resource.TryGetLastAnnotation<ManifestPublishingCallbackAnnotation>(out var annotation) && annotation == ManifestPublishingCallbackAnnotation.Ignore;

    /// <summary>The network in which the resource itself lives.</summary>
    internal static NetworkIdentifier GetDefaultResourceNetwork(this IResource resource)
        => resource.IsContainer() ? KnownNetworkIdentifiers.DefaultAspireContainerNetwork : KnownNetworkIdentifiers.LocalhostNetwork;

    /// <summary>The resource ids of the instances; the resource's name when the orchestrator does not run it.</summary>
    internal static string[] GetResolvedResourceNames(this IResource resource)
        => resource.TryGetLastAnnotation<DcpInstancesAnnotation>(out var annotation)
            ? [.. annotation.Instances.Select(i => i.Name)]
            : [resource.Name];

    internal static bool RequiresOrchestrator(this IResource resource)
        => resource is ProjectResource or ExecutableResource || resource.IsContainer();
}
