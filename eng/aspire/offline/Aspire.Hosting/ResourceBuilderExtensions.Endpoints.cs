using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    /// <summary>Changes an endpoint, or adds it when there is none of that name.</summary>
    public static IResourceBuilder<T> WithEndpoint<T>(this IResourceBuilder<T> builder, [EndpointName] string endpointName, Action<EndpointAnnotation> callback, bool createIfNotExists = true)
        where T : IResourceWithEndpoints
    {
        ArgumentNullException.ThrowIfNull(endpointName);
        ArgumentNullException.ThrowIfNull(callback);
        var endpoint = FindEndpoint(builder.Resource, endpointName);
        if (endpoint is not null)
        {
            callback(endpoint);
        }
        else if (createIfNotExists)
        {
            endpoint = new EndpointAnnotation(ProtocolType.Tcp, name: endpointName);
            callback(endpoint);
            builder.WithAnnotation(endpoint);
        }

        return builder;
    }

    /// <summary>Adds an endpoint, or changes the one of that name.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="port">The port others use; the orchestrator chooses when null.</param>
    /// <param name="targetPort">The port the resource itself listens on.</param>
    /// <param name="scheme">The URI scheme; the protocol's name when null.</param>
    /// <param name="name">The name; the scheme when null.</param>
    /// <param name="env">A variable that gets the target port.</param>
    /// <param name="isProxied">Whether the orchestrator's proxy stands in front; true when null.</param>
    /// <param name="isExternal">Whether the endpoint is public when deployed.</param>
    /// <param name="protocol">TCP when null.</param>
    public static IResourceBuilder<T> WithEndpoint<T>(this IResourceBuilder<T> builder, int? port = null, int? targetPort = null, string? scheme = null, [EndpointName] string? name = null, string? env = null, bool? isProxied = null, bool? isExternal = null, ProtocolType? protocol = null)
        where T : IResourceWithEndpoints
    {
        var resolvedName = name ?? scheme ?? (protocol ?? ProtocolType.Tcp).ToString().ToLowerInvariant();
        if (FindEndpoint(builder.Resource, resolvedName) is { } existing)
        {
            if (port is not null)
            {
                existing.Port = port;
            }

            if (targetPort is not null)
            {
                existing.TargetPort = targetPort;
            }

            existing.IsExternal = isExternal ?? existing.IsExternal;
            existing.IsExplicitlyProxied = isProxied ?? existing.IsExplicitlyProxied;
            SetTargetPortVariable(builder, existing, env);
            return builder;
        }

        var endpoint = new EndpointAnnotation(protocol ?? ProtocolType.Tcp, uriScheme: scheme, name: name, port: port, targetPort: targetPort, isExternal: isExternal, isProxied: isProxied);
        SetTargetPortVariable(builder, endpoint, env);
        return builder.WithAnnotation(endpoint);
    }

    public static IResourceBuilder<T> WithHttpEndpoint<T>(this IResourceBuilder<T> builder, int? port = null, int? targetPort = null, [EndpointName] string? name = null, string? env = null, bool? isProxied = null)
        where T : IResourceWithEndpoints
        => builder.WithEndpoint(port, targetPort, scheme: "http", name: name, env: env, isProxied: isProxied);

    public static IResourceBuilder<T> WithHttpsEndpoint<T>(this IResourceBuilder<T> builder, int? port = null, int? targetPort = null, [EndpointName] string? name = null, string? env = null, bool? isProxied = null)
        where T : IResourceWithEndpoints
        => builder.WithEndpoint(port, targetPort, scheme: "https", name: name, env: env, isProxied: isProxied);

    /// <summary>Makes the http and https endpoints that the resource has so far public when deployed.</summary>
    public static IResourceBuilder<T> WithExternalHttpEndpoints<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEndpoints
    {
        foreach (var endpoint in builder.Resource.Annotations.OfType<EndpointAnnotation>().Where(e => e.UriScheme is "http" or "https"))
        {
            endpoint.IsExternal = true;
        }

        return builder;
    }

    public static EndpointReference GetEndpoint<T>(this IResourceBuilder<T> builder, [EndpointName] string name)
        where T : IResourceWithEndpoints
        => builder.Resource.GetEndpoint(name);

    public static EndpointReference GetEndpoint<T>(this IResourceBuilder<T> builder, [EndpointName] string name, NetworkIdentifier contextNetworkId)
        where T : IResourceWithEndpoints
        => builder.Resource.GetEndpoint(name, contextNetworkId);

    /// <summary>The endpoints speak HTTP/2 only.</summary>
    public static IResourceBuilder<T> AsHttp2Service<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEndpoints
        => builder.WithAnnotation(new Http2ServiceAnnotation());

    /// <summary>Shows a URL; a relative one changes the path of those shown so far.</summary>
    public static IResourceBuilder<T> WithUrl<T>(this IResourceBuilder<T> builder, string url, string? displayText = null)
        where T : IResource
    {
        ArgumentNullException.ThrowIfNull(url);
        if (!Uri.TryCreate(url, UriKind.Relative, out var relative))
        {
            return builder.WithAnnotation(new ResourceUrlAnnotation { Url = url, DisplayText = displayText });
        }

        return builder.WithUrls(context =>
        {
            foreach (var shown in context.Urls)
            {
                if (Uri.TryCreate(shown.Url, UriKind.Absolute, out var absolute) && Uri.TryCreate(absolute, relative, out var combined))
                {
                    shown.Url = combined.ToString();
                    shown.DisplayText = displayText ?? shown.DisplayText;
                }
            }
        });
    }

    public static IResourceBuilder<T> WithUrl<T>(this IResourceBuilder<T> builder, in ReferenceExpression.ExpressionInterpolatedStringHandler url, string? displayText = null)
        where T : IResource
        => builder.WithUrl(url.GetExpression(), displayText);

    public static IResourceBuilder<T> WithUrl<T>(this IResourceBuilder<T> builder, ReferenceExpression url, string? displayText = null)
        where T : IResource
    {
        ArgumentNullException.ThrowIfNull(url);
        return builder.WithUrls(async context =>
        {
            if (await url.GetValueAsync(context.CancellationToken).ConfigureAwait(false) is { Length: > 0 } value)
            {
                context.Urls.Add(new ResourceUrlAnnotation { Url = value, DisplayText = displayText, Endpoint = url.ValueProviders.OfType<EndpointReference>().FirstOrDefault() });
            }
        });
    }

    /// <summary>Changes the URL shown for an endpoint.</summary>
    public static IResourceBuilder<T> WithUrlForEndpoint<T>(this IResourceBuilder<T> builder, string endpointName, Action<ResourceUrlAnnotation> callback)
        where T : IResource
        => builder.WithUrls(context =>
        {
            if (context.Urls.FirstOrDefault(u => u.Endpoint?.EndpointName == endpointName) is { } url)
            {
                callback(url);
            }
            else
            {
                LogNoSuchEndpoint(context.Logger, endpointName, builder.Resource.Name);
            }
        });

    /// <summary>Adds a URL for an endpoint.</summary>
    public static IResourceBuilder<T> WithUrlForEndpoint<T>(this IResourceBuilder<T> builder, string endpointName, Func<EndpointReference, ResourceUrlAnnotation> callback)
        where T : IResourceWithEndpoints
        => builder.WithUrls(context =>
        {
            var endpoint = builder.GetEndpoint(endpointName);
            if (endpoint.Exists)
            {
                context.Urls.Add(callback(endpoint).WithEndpoint(endpoint));
            }
            else
            {
                LogNoSuchEndpoint(context.Logger, endpointName, builder.Resource.Name);
            }
        });

    public static IResourceBuilder<T> WithUrls<T>(this IResourceBuilder<T> builder, Action<ResourceUrlsCallbackContext> callback)
        where T : IResource
        => builder.WithAnnotation(new ResourceUrlsCallbackAnnotation(callback));

    public static IResourceBuilder<T> WithUrls<T>(this IResourceBuilder<T> builder, Func<ResourceUrlsCallbackContext, Task> callback)
        where T : IResource
        => builder.WithAnnotation(new ResourceUrlsCallbackAnnotation(callback));

    private static EndpointAnnotation? FindEndpoint(IResource resource, string name)
        => resource.Annotations.OfType<EndpointAnnotation>().SingleOrDefault(e => string.Equals(e.Name, name, StringComparison.OrdinalIgnoreCase));

    private static void SetTargetPortVariable<T>(IResourceBuilder<T> builder, EndpointAnnotation endpoint, string? variable)
        where T : IResourceWithEndpoints
    {
        if (variable is null || builder.Resource is not IResourceWithEnvironment)
        {
            return;
        }

        var first = endpoint.TargetPortEnvironmentVariable is null;
        endpoint.TargetPortEnvironmentVariable = variable;
        if (first)
        {
            var reference = new EndpointReference(builder.Resource, endpoint);
            builder.WithAnnotation(new EnvironmentCallbackAnnotation(context =>
                context.EnvironmentVariables[endpoint.TargetPortEnvironmentVariable] = reference.Property(EndpointProperty.TargetPort)));
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Could not customize the URL of endpoint '{EndpointName}': resource '{ResourceName}' has no endpoint of that name.")]
    private static partial void LogNoSuchEndpoint(ILogger logger, string endpointName, string resourceName);
}
