using System.Collections.Concurrent;
using Aspire.Hosting.Dcp.Model;

namespace Aspire.Hosting.Dcp;

/// <summary>Which instance implements which service at present: makes the URLs of a resource active.</summary>
internal sealed class EndpointMap
{
    private readonly ConcurrentDictionary<string, Endpoint> _endpoints = new(StringComparer.Ordinal);

    /// <summary>The id of the instance that owns the endpoint.</summary>
    public static string? OwnerOf(Endpoint endpoint) =>
        endpoint.Metadata.OwnerReferences?.FirstOrDefault(owner => owner.Kind is "Executable" or "Container")?.Name;

    public void Set(Endpoint endpoint) => _endpoints[endpoint.Metadata.Name] = endpoint;

    public void Remove(Endpoint endpoint) => _endpoints.TryRemove(endpoint.Metadata.Name, out _);

    /// <param name="serviceName">The service.</param>
    /// <param name="owner">The instance; any when null.</param>
    public bool IsServed(string serviceName, string? owner) =>
        _endpoints.Values.Any(endpoint => endpoint.Spec.ServiceName == serviceName && (owner is null || OwnerOf(endpoint) == owner));
}
