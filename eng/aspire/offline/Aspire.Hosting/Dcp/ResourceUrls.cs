using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Dcp;

/// <summary>The links that the dashboard shows for a resource.</summary>
internal sealed class ResourceUrls(
    DistributedApplicationExecutionContext context, ResourceLoggerService logs, ResourceNotificationService notifications)
{
    /// <summary>Makes a URL of each endpoint, applies the resource's callbacks, and publishes the URLs as not yet active.</summary>
    public async Task ComputeAsync(IResource resource, CancellationToken cancellationToken)
    {
        var urls = new List<ResourceUrlAnnotation>();
        if (resource is IResourceWithEndpoints owner)
        {
            urls.AddRange(resource.Annotations.OfType<EndpointAnnotation>().SelectMany(endpoint => UrlsOf(owner, endpoint)));
        }

        var known = resource.Annotations.OfType<ResourceUrlAnnotation>().ToList();
        urls.AddRange(known.Where(url => url.Endpoint is null));
        var logger = logs.GetLogger(resource);
        var callbackContext = new ResourceUrlsCallbackContext(context, resource, urls, cancellationToken) { Logger = logger };
        try
        {
            foreach (var callback in resource.Annotations.OfType<ResourceUrlsCallbackAnnotation>().ToList())
            {
                await callback.Callback(callbackContext);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            DcpLog.UrlsFailed(logger, exception, resource.Name);
        }

        foreach (var url in known)
        {
            resource.Annotations.Remove(url);
        }

        foreach (var url in urls)
        {
            if (url.Url.StartsWith('/') && url.Endpoint?.EndpointAnnotation.AllocatedEndpoint is { } allocated)
            {
                url.Url = allocated.UriString + url.Url;
            }

            resource.Annotations.Add(url);
        }

        await notifications.PublishUpdateAsync(resource, snapshot => snapshot with { Urls = Snapshot(resource, _ => false, isRunning: false) });
    }

    public static ImmutableArray<UrlSnapshot> Snapshot(IResource resource, Func<EndpointReference, bool> isActive, bool isRunning) =>
        [.. resource.Annotations.OfType<ResourceUrlAnnotation>().Select(url =>
            new UrlSnapshot(url.Endpoint?.EndpointName, url.Url, url.DisplayLocation is UrlDisplayLocation.DetailsOnly)
            {
                IsInactive = !(url.Endpoint is { } endpoint ? isActive(endpoint) : isRunning),
                DisplayProperties = new UrlDisplayPropertiesSnapshot(url.DisplayText ?? string.Empty, url.DisplayOrder ?? 0),
            })];

    private static IEnumerable<ResourceUrlAnnotation> UrlsOf(IResourceWithEndpoints owner, EndpointAnnotation endpoint)
    {
        if (endpoint.AllocatedEndpoint is not { } allocated)
        {
            yield break;
        }

        var reference = new EndpointReference(owner, endpoint);
        yield return new ResourceUrlAnnotation { Url = allocated.UriString, Endpoint = reference };

        // Bound to more than the address above: show the other way in, too.
        var otherHost = allocated.BindingMode is not EndpointBindingMode.SingleAddress ? Environment.MachineName
            : string.Equals(allocated.Address, endpoint.TargetHost, StringComparison.OrdinalIgnoreCase) ? null
            : endpoint.TargetHost;
        if (otherHost is not null)
        {
            yield return new ResourceUrlAnnotation { Url = $"{allocated.UriScheme}://{otherHost}:{allocated.Port}", Endpoint = reference };
        }
    }
}
