using SseApp.Gateway.Requests;
using Yarp.ReverseProxy.Configuration;

namespace SseApp.Tests.Gateway.Balancing;

/// <summary>Destinations as a loaded configuration has them, without a server behind.</summary>
internal static class Destinations
{
    public static DestinationState[] Of(params (string Id, int Weight)[] destinations) =>
        [.. destinations.Select(destination => With(destination.Id, ("weight", destination.Weight.ToString(CultureInfo.InvariantCulture))))];

    public static DestinationState With(string id, params (string Key, string Value)[] metadata) => new(
        id,
        new DestinationModel(new DestinationConfig
        {
            Address = "http://192.0.2.1/",
            Metadata = metadata.ToDictionary(entry => entry.Key, entry => entry.Value, StringComparer.OrdinalIgnoreCase),
        }));

    public static DefaultHttpContext StreamRequest()
    {
        var context = new DefaultHttpContext { Request = { Path = "/events" } };
        ClientRequest.Classify(context);
        return context;
    }

    /// <summary>A cluster of these, all of which are available.</summary>
    public static ClusterState Cluster(ClusterConfig config, params DestinationState[] destinations)
    {
        var cluster = new ClusterState(config.ClusterId, new ClusterModel(config, new HttpMessageInvoker(new SocketsHttpHandler())))
        {
            DestinationsState = new ClusterDestinationsState(destinations, destinations),
        };
        foreach (var destination in destinations)
        {
            cluster.Destinations[destination.DestinationId] = destination;
        }

        return cluster;
    }
}
