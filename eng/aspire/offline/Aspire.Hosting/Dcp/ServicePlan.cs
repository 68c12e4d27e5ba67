using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp.Model;

namespace Aspire.Hosting.Dcp;

/// <summary>An endpoint of a resource and the engine's service that stands for it.</summary>
internal sealed record ServicePlan(IResource Resource, EndpointAnnotation Endpoint, Service Service)
{
    public string Name => Service.Metadata.Name;

    /// <summary>Makes one service per endpoint of the model.</summary>
    /// <exception cref="DistributedApplicationException">An endpoint asks for something impossible.</exception>
    public static IReadOnlyList<ServicePlan> Create(DistributedApplicationModel model, bool randomizePorts)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var plans = new List<ServicePlan>();
        foreach (var resource in model.Resources.Where(item => item.RequiresOrchestrator()))
        {
            var endpoints = resource.Annotations.OfType<EndpointAnnotation>().ToList();
            foreach (var endpoint in endpoints)
            {
                if (resource.TryGetLastAnnotation<ProxySupportAnnotation>(out var proxySupport) && !proxySupport.ProxyEnabled)
                {
                    endpoint.IsProxied = false;
                }

                Validate(resource, endpoint);
                plans.Add(new ServicePlan(resource, endpoint, CreateService(resource, endpoint, UniqueName(), randomizePorts)));

                string UniqueName()
                {
                    var name = endpoints.Count == 1 ? resource.Name : $"{resource.Name}-{endpoint.Name}";
                    var unique = name;
                    for (var number = 1; !names.Add(unique); number++)
                    {
                        unique = $"{name}-{number}";
                    }

                    return unique;
                }
            }
        }

        return plans;
    }

    /// <summary>Tells the model where the endpoint can be reached.</summary>
    public void Allocate(Service ready, string containerHostName)
    {
        var port = Service.Spec.Port ?? ready.Status?.EffectivePort
            ?? throw new DistributedApplicationException($"The orchestrator gave the endpoint '{Endpoint.Name}' of resource '{Resource.Name}' no port.");
        var expression = $$$"""{{- portForServing "{{{Name}}}" -}}""";
        var (host, mode) = NormalizeHost(Endpoint.TargetHost);
        Endpoint.AllocatedEndpoint = new AllocatedEndpoint(Endpoint, host, port, mode, expression, KnownNetworkIdentifiers.LocalhostNetwork);

        var network = KnownNetworkIdentifiers.DefaultAspireContainerNetwork;
        Endpoint.AllAllocatedEndpoints.AddOrUpdateAllocatedEndpoint(network, Resource.IsContainer()
            ? new AllocatedEndpoint(Endpoint, $"{Resource.Name}.dev.internal", Endpoint.TargetPort!.Value, EndpointBindingMode.SingleAddress, expression, network)
            : new AllocatedEndpoint(Endpoint, containerHostName, port, EndpointBindingMode.SingleAddress, expression, network));
    }

    /// <summary>The address others use for a service bound to <paramref name="targetHost"/>.</summary>
    public static (string Host, EndpointBindingMode Mode) NormalizeHost(string? targetHost)
    {
        if (string.IsNullOrEmpty(targetHost) || targetHost.Equals("localhost", StringComparison.OrdinalIgnoreCase) ||
            targetHost.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase))
        {
            return (KnownHostNames.Localhost, EndpointBindingMode.SingleAddress);
        }

        if (!IPAddress.TryParse(targetHost, out var address))
        {
            return (KnownHostNames.Localhost, EndpointBindingMode.DualStackAnyAddresses);
        }

        return address.Equals(IPAddress.Any) ? (KnownHostNames.Localhost, EndpointBindingMode.IPv4AnyAddresses)
            : address.Equals(IPAddress.IPv6Any) ? (KnownHostNames.Localhost, EndpointBindingMode.IPv6AnyAddresses)
            : (targetHost, EndpointBindingMode.SingleAddress);
    }

    private static Service CreateService(IResource resource, EndpointAnnotation endpoint, string name, bool randomizePorts)
    {
        if (!endpoint.IsProxied && endpoint.Port is null)
        {
            endpoint.Port = FindFreePort();
            if (!resource.IsContainer())
            {
                endpoint.TargetPort = endpoint.Port;
            }
        }

        var service = new Service { Metadata = { Name = name } };
        service.Spec.Port = randomizePorts && endpoint.IsProxied || endpoint.Port is 0 ? null : endpoint.Port;
        service.Spec.Protocol = endpoint.Protocol is ProtocolType.Udp ? "UDP" : "TCP";
        service.Spec.Address = endpoint.TargetHost;
        service.Spec.AddressAllocationMode = endpoint.IsProxied ? AddressAllocationModes.Localhost : AddressAllocationModes.Proxyless;
        service.Annotate(DcpAnnotations.ResourceName, resource.Name);
        service.Annotate(DcpAnnotations.EndpointName, endpoint.Name);
        return service;
    }

    private static void Validate(IResource resource, EndpointAnnotation endpoint)
    {
        var subject = $"The endpoint '{endpoint.Name}' of resource '{resource.Name}'";
        if (resource.IsContainer())
        {
            if (endpoint.TargetPort is null)
            {
                throw new DistributedApplicationException($"{subject} needs a target port: the port the container listens on.");
            }

            return;
        }

        var replicated = resource.GetReplicaCount() > 1;
        if (!endpoint.IsProxied)
        {
            if (replicated)
            {
                throw new DistributedApplicationException($"{subject} has no proxy, which does not work with several replicas: they would bind the same port.");
            }

            if (endpoint.Port is { } port && endpoint.TargetPort is { } targetPort && port != targetPort)
            {
                throw new DistributedApplicationException($"{subject} has no proxy, so its port ({port}) and its target port ({targetPort}) must be the same.");
            }

            return;
        }

        if (endpoint.TargetPort is { } fixedPort)
        {
            if (replicated)
            {
                throw new DistributedApplicationException($"{subject} has target port {fixedPort}, which does not work with several replicas: they would bind the same port.");
            }

            if (fixedPort == endpoint.Port)
            {
                throw new DistributedApplicationException($"{subject} has a proxy, so its port and its target port must differ (both are {fixedPort}). Set isProxied: false to bind the port directly.");
            }
        }
    }

    private static int FindFreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
