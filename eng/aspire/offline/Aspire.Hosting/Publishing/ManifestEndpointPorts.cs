using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Publishing;

/// <summary>The ports a deployment uses where the model leaves them open.</summary>
internal sealed class ManifestEndpointPorts
{
    private const int FirstAllocatedPort = 8000;

    private readonly HashSet<int> _used = [];
    private int _next = FirstAllocatedPort;

    /// <summary>The endpoint, the port others use (when it must be said) and the port the resource listens on (when known).</summary>
    public IEnumerable<(EndpointAnnotation Endpoint, int? Port, int? TargetPort)> Resolve(IResource resource, IReadOnlyList<EndpointAnnotation> endpoints)
    {
        foreach (var endpoint in endpoints)
        {
            if (endpoint.Port is { } port)
            {
                _used.Add(port);
            }

            if (endpoint.TargetPort is { } targetPort)
            {
                _used.Add(targetPort);
            }
        }

        var defaultSchemes = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var endpoint in endpoints)
        {
            var isHttp = endpoint.UriScheme is "http" or "https";
            int? targetPort = (resource, endpoint.TargetPort, endpoint.Port) switch
            {
                (_, { } target, _) => target,
                // The first http and the first https endpoint of a project are those its image listens on by itself.
                (ProjectResource, _, _) when isHttp && defaultSchemes.Add(endpoint.UriScheme) => null,
                (ContainerResource, _, { } port) => port,
                _ => Allocate(),
            };
            int? exposedPort = (endpoint.UriScheme, endpoint.Port, targetPort) switch
            {
                (_, { } port, _) => port,
                _ => null,
            };
            if (exposedPort is null && !isHttp && targetPort is not null)
            {
                exposedPort = targetPort;
            }

            yield return (endpoint, exposedPort, targetPort);
        }
    }

    private int Allocate()
    {
        while (!_used.Add(_next))
        {
            _next++;
        }

        return _next++;
    }
}
