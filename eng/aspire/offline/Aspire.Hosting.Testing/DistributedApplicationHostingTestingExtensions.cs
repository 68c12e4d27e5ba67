using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>Reaches the resources of a started application.</summary>
public static class DistributedApplicationHostingTestingExtensions
{
    /// <summary>A client whose base address is the endpoint; <c>https</c>, else <c>http</c>, when none is named.</summary>
    public static HttpClient CreateHttpClient(this DistributedApplication app, string resourceName, string? endpointName = null)
    {
        ArgumentNullException.ThrowIfNull(app);
        var client = app.Services.GetRequiredService<IHttpClientFactory>().CreateClient();
        client.BaseAddress = app.GetEndpoint(resourceName, endpointName);
        return client;
    }

    public static ValueTask<string?> GetConnectionStringAsync(this DistributedApplication app, string resourceName, CancellationToken cancellationToken = default)
        => FindResource(app, resourceName) is IResourceWithConnectionString resource
            ? resource.GetConnectionStringAsync(cancellationToken)
            : throw new ArgumentException($"Resource '{resourceName}' does not expose a connection string.", nameof(resourceName));

    /// <exception cref="ArgumentException">There is no such resource or endpoint.</exception>
    /// <exception cref="InvalidOperationException">The application is not started.</exception>
    public static Uri GetEndpoint(this DistributedApplication app, string resourceName, string? endpointName = null)
        => app.GetEndpointForNetwork(resourceName, networkIdentifier: null, endpointName);

    /// <summary>The address of an endpoint as seen in a network.</summary>
    public static Uri GetEndpointForNetwork(this DistributedApplication app, string resourceName, NetworkIdentifier? networkIdentifier, string? endpointName = null)
    {
        if (FindResource(app, resourceName) is not IResourceWithEndpoints resource)
        {
            throw new ArgumentException($"Resource '{resourceName}' has no endpoints.", nameof(resourceName));
        }

        var network = networkIdentifier ?? KnownNetworkIdentifiers.LocalhostNetwork;
        var names = endpointName is null ? (string[])["https", "http"] : [endpointName];
        var endpoint = names.Select(name => resource.GetEndpoint(name, network)).FirstOrDefault(e => e.Exists)
            ?? throw new ArgumentException($"Endpoint '{endpointName ?? "https or http"}' for resource '{resourceName}' not found.", nameof(endpointName));
        return new Uri(endpoint.Url);
    }

    private static IResource FindResource(DistributedApplication app, string resourceName)
    {
        ArgumentNullException.ThrowIfNull(app);
        ArgumentException.ThrowIfNullOrEmpty(resourceName);
        if (!app.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.IsCancellationRequested)
        {
            throw new InvalidOperationException("The application has not started. Call StartAsync first.");
        }

        return app.Services.GetRequiredService<DistributedApplicationModel>().Resources.TryGetByName(resourceName, out var resource)
            ? resource
            : throw new ArgumentException($"Resource '{resourceName}' not found.", nameof(resourceName));
    }
}
