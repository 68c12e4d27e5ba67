using System.Runtime.CompilerServices;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Health;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    private static readonly string[] s_httpSchemes = ["https", "http"];

    /// <summary>Starts the resource only when the dependency is running and its health checks passed.</summary>
    public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency)
        where T : IResourceWithWaitSupport
        => builder.Wait(dependency, WaitType.WaitUntilHealthy, waitBehavior: null);

    public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, WaitBehavior waitBehavior)
        where T : IResourceWithWaitSupport
        => builder.Wait(dependency, WaitType.WaitUntilHealthy, waitBehavior);

    /// <summary>Starts the resource only when the dependency is running.</summary>
    public static IResourceBuilder<T> WaitForStart<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency)
        where T : IResourceWithWaitSupport
        => builder.Wait(dependency, WaitType.WaitUntilStarted, waitBehavior: null);

    public static IResourceBuilder<T> WaitForStart<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, WaitBehavior waitBehavior)
        where T : IResourceWithWaitSupport
        => builder.Wait(dependency, WaitType.WaitUntilStarted, waitBehavior);

    /// <summary>Starts the resource only when the dependency has ended with this exit code.</summary>
    public static IResourceBuilder<T> WaitForCompletion<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, int exitCode = 0)
        where T : IResourceWithWaitSupport
        => builder.Wait(dependency, WaitType.WaitForCompletion, waitBehavior: null, exitCode);

    /// <summary>Leaves the start to the resource's start command.</summary>
    public static IResourceBuilder<T> WithExplicitStart<T>(this IResourceBuilder<T> builder)
        where T : IResource
        => builder.WithAnnotation(new ExplicitStartupAnnotation());

    /// <summary>Judges the resource by a health check registered in the AppHost's services.</summary>
    public static IResourceBuilder<T> WithHealthCheck<T>(this IResourceBuilder<T> builder, string key)
        where T : IResource
    {
        ArgumentNullException.ThrowIfNull(key);
        if (builder.Resource.Annotations.OfType<HealthCheckAnnotation>().Any(a => a.Key == key))
        {
            throw new DistributedApplicationException($"Resource '{builder.Resource.Name}' already has a health check with key '{key}'.");
        }

        return builder.WithAnnotation(new HealthCheckAnnotation(key));
    }

    /// <summary>Judges the resource by the status code of a GET request.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="path">The path; <c>/</c> when null.</param>
    /// <param name="statusCode">The status code of a healthy answer; 200 when null.</param>
    /// <param name="endpointName">The endpoint; <c>https</c>, else <c>http</c>, when null.</param>
    public static IResourceBuilder<T> WithHttpHealthCheck<T>(this IResourceBuilder<T> builder, string? path = null, int? statusCode = null, string? endpointName = null)
        where T : IResourceWithEndpoints
        => builder.WithHttpHealthCheck(() => SelectHttpEndpoint(builder.Resource, endpointName is null ? s_httpSchemes : [endpointName]), path, statusCode);

    /// <inheritdoc cref="WithHttpHealthCheck{T}(IResourceBuilder{T}, string?, int?, string?)" />
    public static IResourceBuilder<T> WithHttpHealthCheck<T>(this IResourceBuilder<T> builder, Func<EndpointReference>? endpointSelector, string? path = null, int? statusCode = null)
        where T : IResourceWithEndpoints
    {
        var endpoint = (endpointSelector ?? (() => SelectHttpEndpoint(builder.Resource, s_httpSchemes)))()
            ?? throw new DistributedApplicationException($"Could not create HTTP health check for resource '{builder.Resource.Name}' as the endpoint selector returned null.");
        ThrowIfNotHttp(endpoint);

        var requestPath = path ?? "/";
        var expected = statusCode ?? 200;
        var key = $"{builder.Resource.Name}_{endpoint.EndpointName}_{requestPath}_{expected}_check";
        var services = builder.ApplicationBuilder.Services;
        services.AddHttpClient(key);

        // The checks run all the time; their requests would drown the AppHost's log.
        services.AddLogging(logging => logging.AddFilter($"System.Net.Http.HttpClient.{key}", LogLevel.None));
        services.AddHealthChecks().Add(new HealthCheckRegistration(
            key,
            provider => new EndpointHealthCheck(endpoint, requestPath, expected, provider.GetRequiredService<IHttpClientFactory>(), key),
            failureStatus: null,
            tags: null));
        return builder.WithHealthCheck(key);
    }

    /// <summary>Adds a command, which the dashboard shows and <see cref="ResourceCommandService"/> executes. One of the same name is replaced.</summary>
    [OverloadResolutionPriority(1)]
    public static IResourceBuilder<T> WithCommand<T>(this IResourceBuilder<T> builder, string name, string displayName, Func<ExecuteCommandContext, Task<ExecuteCommandResult>> executeCommand, CommandOptions? commandOptions = null)
        where T : IResource
    {
        if (builder.Resource.Annotations.OfType<ResourceCommandAnnotation>().SingleOrDefault(a => a.Name == name) is { } existing)
        {
            builder.Resource.Annotations.Remove(existing);
        }

        var options = commandOptions ?? CommandOptions.Default;
        return builder.WithAnnotation(new ResourceCommandAnnotation(
            name,
            displayName,
            options.UpdateState ?? (static _ => ResourceCommandState.Enabled),
            executeCommand,
            options.Description,
            options.Parameter,
            options.ConfirmationMessage,
            options.IconName,
            options.IconVariant,
            options.IsHighlighted));
    }

    public static IResourceBuilder<T> WithIconName<T>(this IResourceBuilder<T> builder, string iconName, IconVariant iconVariant = IconVariant.Filled)
        where T : IResource
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(iconName);
        return builder.WithAnnotation(new ResourceIconAnnotation(iconName, iconVariant));
    }

    public static IResourceBuilder<T> WithHidden<T>(this IResourceBuilder<T> builder)
        where T : IResource
        => builder.WithAnnotation(new HiddenAnnotation());

    public static IResourceBuilder<T> ExcludeFromManifest<T>(this IResourceBuilder<T> builder)
        where T : IResource
        => builder.WithAnnotation(ManifestPublishingCallbackAnnotation.Ignore);

    /// <summary>Writes the resource to the manifest in a way of its own.</summary>
    public static IResourceBuilder<T> WithManifestPublishingCallback<T>(this IResourceBuilder<T> builder, Action<Publishing.ManifestPublishingContext> callback)
        where T : IResource
        => builder.WithAnnotation(new ManifestPublishingCallbackAnnotation(callback));

    public static IResourceBuilder<T> WithManifestPublishingCallback<T>(this IResourceBuilder<T> builder, Func<Publishing.ManifestPublishingContext, Task> callback)
        where T : IResource
        => builder.WithAnnotation(new ManifestPublishingCallbackAnnotation(callback));

    private static IResourceBuilder<T> Wait<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, WaitType waitType, WaitBehavior? waitBehavior, int exitCode = 0)
        where T : IResourceWithWaitSupport
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(dependency);
        if (ReferenceEquals(builder.Resource, dependency.Resource))
        {
            throw new DistributedApplicationException($"The '{builder.Resource.Name}' resource cannot wait for itself.");
        }

        if (builder.Resource is IResourceWithParent child && child.Parent == dependency.Resource)
        {
            throw new DistributedApplicationException($"The '{builder.Resource.Name}' resource cannot wait for its parent '{dependency.Resource.Name}'.");
        }

        // A child has often no health check of its own: its parent's state counts as well.
        if (waitType != WaitType.WaitForCompletion && dependency.Resource is IResourceWithParent { Parent: { } parent })
        {
            builder.WithAnnotation(new WaitAnnotation(parent, waitType) { WaitBehavior = waitBehavior });
        }

        return builder.WithRelationship(dependency.Resource, KnownRelationshipTypes.WaitFor)
            .WithAnnotation(new WaitAnnotation(dependency.Resource, waitType, exitCode) { WaitBehavior = waitBehavior });
    }

    private static EndpointReference SelectHttpEndpoint(IResourceWithEndpoints resource, IReadOnlyCollection<string> names)
    {
        foreach (var name in names)
        {
            if (resource.GetEndpoints().FirstOrDefault(e => string.Equals(e.EndpointName, name, StringComparison.OrdinalIgnoreCase)) is { } endpoint)
            {
                ThrowIfNotHttp(endpoint);
                return endpoint;
            }
        }

        throw new DistributedApplicationException(
            $"Could not create HTTP health check for resource '{resource.Name}' as no endpoint was found matching one of the specified names: {string.Join(", ", names)}");
    }

    private static void ThrowIfNotHttp(EndpointReference endpoint)
    {
        if (!endpoint.IsHttp && !endpoint.IsHttps)
        {
            throw new DistributedApplicationException(
                $"Could not create HTTP health check for resource '{endpoint.Resource.Name}' as the endpoint with name '{endpoint.EndpointName}' and scheme '{endpoint.Scheme}' is not an HTTP endpoint.");
        }
    }
}
