using SseApp.Gateway.Balancing;
using SseApp.ServiceDefaults.Cluster.Signing;
using Yarp.ReverseProxy.Health;

namespace SseApp.Gateway.Health;

/// <summary>
/// The requests of the active checks. A replica is asked by its id: where several announce one address, or somebody else answers there, only the one
/// that a request can reach is healthy.
/// </summary>
internal sealed class ReplicaProbes : IProbingRequestFactory
{
    public HttpRequestMessage CreateRequest(ClusterModel cluster, DestinationModel destination)
    {
        var (config, target) = (cluster.Config, destination.Config);
        var address = new UriBuilder(string.IsNullOrEmpty(target.Health) ? target.Address : target.Health);
        if (config.HealthCheck?.Active is { } check)
        {
            address.Path = $"{address.Path.TrimEnd('/')}/{check.Path?.TrimStart('/')}";
            address.Query = check.Query;
        }

        var request = new HttpRequestMessage(HttpMethod.Get, address.Uri)
        {
            Version = config.HttpRequest?.Version ?? HttpVersion.Version20,
            VersionPolicy = config.HttpRequest?.VersionPolicy ?? HttpVersionPolicy.RequestVersionOrLower,
            Headers = { { "User-Agent", "SseApp.Gateway (active health check)" } },
        };
        if (target.Metadata?.GetValueOrDefault(DestinationMetadata.ReplicaKey) is { } replica)
        {
            request.Options.Set(SignatureWanted.Key, new SignatureWanted(replica, RequestPurpose.Client));
        }

        return request;
    }
}
