using System.Globalization;
using SseApp.Gateway.Routing;
using Yarp.ReverseProxy.Model;

namespace SseApp.Gateway.Balancing;

internal static class DestinationWeight
{
    /// <summary>The destination's <c>weight</c> metadata, from the registry or from configuration; 1 without it.</summary>
    public static int Of(DestinationState destination) =>
        destination.Model?.Config.Metadata is { } metadata
        && metadata.TryGetValue(EventsCluster.WeightKey, out var text)
        && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var weight)
            ? Math.Clamp(weight, 1, 1000)
            : 1;
}
