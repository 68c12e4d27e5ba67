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
        var defaultSchemes = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var endpoint in endpoints)
        {
            var isHttp = endpoint.UriScheme is "http" or "https";
            var isFirstOfScheme = isHttp && defaultSchemes.Add(endpoint.UriScheme);
            var port = Specified(endpoint.Port);
            int? targetPort = (resource, Specified(endpoint.TargetPort), port) switch
            {
                (_, { } target, _) => target,
                // The first http and the first https endpoint of a project are those its image listens on by itself.
                (ProjectResource, _, _) when isFirstOfScheme => null,
                (ContainerResource, _, { } exposed) => exposed,
                _ => Allocate(),
            };
            if (port is { } used)
            {
                _used.Add(used);
            }

            if (targetPort is { } listened)
            {
                _used.Add(listened);
            }

            yield return (endpoint, port, targetPort);
        }
    }

    // Port 0 means "any", as on a socket.
    private static int? Specified(int? port) => port is 0 ? null : port;

    private int Allocate()
    {
        while (!_used.Add(_next))
        {
            _next++;
        }

        return _next++;
    }
}
