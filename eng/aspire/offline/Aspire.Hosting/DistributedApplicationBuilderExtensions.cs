using System.Diagnostics.CodeAnalysis;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Finds resources that were added earlier.</summary>
public static class DistributedApplicationBuilderExtensions
{
    /// <exception cref="InvalidOperationException">There is no such resource, or it is of another type.</exception>
    public static IResourceBuilder<T> CreateResourceBuilder<T>(this IDistributedApplicationBuilder builder, string name)
        where T : IResource
    {
        if (!builder.Resources.TryGetByName(name, out var resource))
        {
            throw new InvalidOperationException($"Resource '{name}' was not found.");
        }

        return resource is T typed
            ? builder.CreateResourceBuilder(typed)
            : throw new InvalidOperationException($"Resource '{name}' of type '{resource.GetType()}' is not assignable to requested type '{typeof(T).Name}'.");
    }

    public static bool TryCreateResourceBuilder<T>(this IDistributedApplicationBuilder builder, string name, [NotNullWhen(true)] out IResourceBuilder<T>? resourceBuilder)
        where T : IResource
    {
        resourceBuilder = builder.Resources.TryGetByName(name, out var resource) && resource is T typed ? builder.CreateResourceBuilder(typed) : null;
        return resourceBuilder is not null;
    }
}
