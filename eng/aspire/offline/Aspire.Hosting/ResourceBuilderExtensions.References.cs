using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    /// <summary>Gives the resource another one's connection string, as <c>ConnectionStrings__{name}</c>, and its parts, as <c>{NAME}_{PART}</c>.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithConnectionString> source, string? connectionName = null, bool optional = false)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(source);
        var resource = source.Resource;
        var name = connectionName ?? resource.Name;
        var flags = GetInjectionFlags(builder.Resource);
        builder.WithReferenceRelationship(resource);
        return builder.WithEnvironment(context =>
        {
            var target = resource.TryGetLastAnnotation<ConnectionStringRedirectAnnotation>(out var redirect) ? redirect.Resource : resource;
            if (flags.HasFlag(ReferenceEnvironmentInjectionFlags.ConnectionString))
            {
                context.EnvironmentVariables[resource.ConnectionStringEnvironmentVariable ?? $"{ConnectionStringEnvironmentName}{name}"]
                    = new ConnectionStringReference(target, optional) { ConnectionStringName = name };
            }

            if (flags.HasFlag(ReferenceEnvironmentInjectionFlags.ConnectionProperties))
            {
                var prefix = name.Length == 0 ? string.Empty : $"{EncodeVariableName(name).ToUpperInvariant()}_";
                var properties = target.GetConnectionProperties()
                    .Concat(resource.Annotations.OfType<ConnectionPropertyAnnotation>().Select(a => KeyValuePair.Create(a.Name, a.Value)));
                foreach (var (key, value) in properties)
                {
                    context.EnvironmentVariables[$"{prefix}{key.ToUpperInvariant()}"] = value;
                }
            }
        });
    }

    /// <summary>Lets the resource find another one's endpoints, as <c>services__{name}__{scheme}__{index}</c>.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithServiceDiscovery> source)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(source);
        return builder.ReferEndpoints(source.Resource, endpointName: null, serviceName: null);
    }

    /// <summary>Lets the resource find another one's endpoints under another name.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithServiceDiscovery> source, string name)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(source);
        return builder.ReferEndpoints(source.Resource, endpointName: null, name);
    }

    /// <summary>Lets the resource find one endpoint of another one.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, EndpointReference endpointReference)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(endpointReference);
        return builder.ReferEndpoints(endpointReference.Resource, endpointReference.EndpointName, serviceName: null);
    }

    /// <summary>Lets the resource find a service outside the application.</summary>
    /// <exception cref="InvalidOperationException">The URI is relative or has a path, query or fragment.</exception>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, string name, Uri uri)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(uri);
        if (!uri.IsAbsoluteUri)
        {
            throw new InvalidOperationException("The uri for service reference must be absolute.");
        }

        if (uri.AbsolutePath != "/")
        {
            throw new InvalidOperationException("The uri absolute path must be \"/\".");
        }

        return builder.WithEnvironment($"services__{name}__default__0", uri.ToString());
    }

    /// <summary>Chooses what later references put into the resource's environment.</summary>
    public static IResourceBuilder<TDestination> WithReferenceEnvironment<TDestination>(this IResourceBuilder<TDestination> builder, ReferenceEnvironmentInjectionFlags flags)
        where TDestination : IResourceWithEnvironment
        => builder.WithAnnotation(new ReferenceEnvironmentInjectionAnnotation(flags));

    public static IResourceBuilder<T> WithConnectionStringRedirection<T>(this IResourceBuilder<T> builder, IResourceWithConnectionString resource)
        where T : IResourceWithConnectionString
        => builder.WithAnnotation(new ConnectionStringRedirectAnnotation(resource), ResourceAnnotationMutationBehavior.Replace);

    public static IResourceBuilder<T> WithConnectionProperty<T>(this IResourceBuilder<T> builder, string name, ReferenceExpression value)
        where T : IResourceWithConnectionString
        => builder.WithAnnotation(new ConnectionPropertyAnnotation(name, value));

    public static IResourceBuilder<T> WithConnectionProperty<T>(this IResourceBuilder<T> builder, string name, string value)
        where T : IResourceWithConnectionString
        => builder.WithConnectionProperty(name, ReferenceExpression.Create($"{value}"));

    /// <summary>One part of the connection string; empty when the resource has no such part.</summary>
    public static ReferenceExpression GetConnectionProperty(this IResourceWithConnectionString resource, string key)
        => resource.GetConnectionProperties().FirstOrDefault(p => string.Equals(p.Key, key, StringComparison.OrdinalIgnoreCase)).Value ?? ReferenceExpression.Empty;

    public static IResourceBuilder<T> WithRelationship<T>(this IResourceBuilder<T> builder, IResource resource, string type)
        where T : IResource
        => builder.WithAnnotation(new ResourceRelationshipAnnotation(resource, type));

    public static IResourceBuilder<T> WithRelationship<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> resourceBuilder, string type)
        where T : IResource
        => builder.WithRelationship(resourceBuilder.Resource, type);

    public static IResourceBuilder<T> WithReferenceRelationship<T>(this IResourceBuilder<T> builder, IResource resource)
        where T : IResource
        => builder.WithRelationship(resource, KnownRelationshipTypes.Reference);

    public static IResourceBuilder<T> WithReferenceRelationship<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> resourceBuilder)
        where T : IResource
        => builder.WithReferenceRelationship(resourceBuilder.Resource);

    public static IResourceBuilder<T> WithReferenceRelationship<T>(this IResourceBuilder<T> builder, ReferenceExpression expression)
        where T : IResource
    {
        LinkReferences(builder, expression.ValueProviders);
        return builder;
    }

    /// <summary>Shows the resource under another one in the dashboard.</summary>
    public static IResourceBuilder<T> WithParentRelationship<T>(this IResourceBuilder<T> builder, IResource parent)
        where T : IResource
        => builder.WithRelationship(parent, KnownRelationshipTypes.Parent);

    public static IResourceBuilder<T> WithParentRelationship<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> parent)
        where T : IResource
        => builder.WithParentRelationship(parent.Resource);

    public static IResourceBuilder<T> WithChildRelationship<T>(this IResourceBuilder<T> builder, IResource child)
        where T : IResource
        => builder.WithChildRelationship(builder.ApplicationBuilder.CreateResourceBuilder(child));

    public static IResourceBuilder<T> WithChildRelationship<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> child)
        where T : IResource
    {
        child.WithParentRelationship(builder.Resource);
        return builder;
    }

    private static IResourceBuilder<T> ReferEndpoints<T>(this IResourceBuilder<T> builder, IResourceWithEndpoints resource, string? endpointName, string? serviceName)
        where T : IResourceWithEnvironment
    {
        var annotation = builder.Resource.Annotations.OfType<EndpointReferenceAnnotation>().SingleOrDefault(a => a.Resource == resource);
        if (annotation is null)
        {
            annotation = new EndpointReferenceAnnotation(resource) { ContextNetworkId = builder.Resource.GetDefaultResourceNetwork() };
            builder.WithAnnotation(annotation);
            builder.WithEnvironment(context => AddEndpoints(context, annotation, serviceName));
        }

        if (endpointName is null)
        {
            annotation.UseAllEndpoints = true;
        }
        else
        {
            annotation.EndpointNames.Add(endpointName);
        }

        return builder.WithReferenceRelationship(resource);
    }

    private static void AddEndpoints(EnvironmentCallbackContext context, EndpointReferenceAnnotation annotation, string? serviceName)
    {
        var flags = GetInjectionFlags(context.Resource);
        var name = serviceName ?? annotation.Resource.Name;
        foreach (var definition in annotation.Resource.Annotations.OfType<EndpointAnnotation>())
        {
            var endpoint = new EndpointReference(annotation.Resource, definition, annotation.ContextNetworkId);
            if (!annotation.EndpointNames.Contains(endpoint.EndpointName) && !(annotation.UseAllEndpoints && !endpoint.ExcludeReferenceEndpoint))
            {
                continue;
            }

            if (flags.HasFlag(ReferenceEnvironmentInjectionFlags.Endpoints))
            {
                var service = EncodeVariableName(serviceName ?? name.ToUpperInvariant());
                context.EnvironmentVariables[$"{service}_{EncodeVariableName(endpoint.EndpointName).ToUpperInvariant()}"] = endpoint;
            }

            if (flags.HasFlag(ReferenceEnvironmentInjectionFlags.ServiceDiscovery))
            {
                // Endpoints named "http" or "https" count by their scheme, which may have changed; others are asked for by name.
                var key = endpoint.IsHttpSchemeNamedEndpoint ? endpoint.Scheme : endpoint.EndpointName;
                var index = 0;
                while (!context.EnvironmentVariables.TryAdd($"services__{name}__{key}__{index}", endpoint))
                {
                    index++;
                }
            }
        }
    }

    private static ReferenceEnvironmentInjectionFlags GetInjectionFlags(IResource resource)
        => resource.TryGetLastAnnotation<ReferenceEnvironmentInjectionAnnotation>(out var annotation) ? annotation.Flags : ReferenceEnvironmentInjectionFlags.All;

    private static void LinkReferences<T>(IResourceBuilder<T> builder, IEnumerable<object> values)
        where T : IResource
    {
        var pending = new Stack<object>(values);
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        while (pending.TryPop(out var value))
        {
            if (!seen.Add(value))
            {
                continue;
            }

            if (value is IResource resource)
            {
                builder.WithReferenceRelationship(resource);
            }
            else if (value is IValueWithReferences { References: { } references })
            {
                foreach (var reference in references)
                {
                    pending.Push(reference);
                }
            }
        }
    }
}
