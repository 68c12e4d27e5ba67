using Yarp.ReverseProxy.Configuration.ClusterValidators;

namespace SseApp.Gateway.Balancing;

/// <summary>Refuses a configuration with a weight or a time that means nothing; otherwise it would silently not count.</summary>
internal sealed class DestinationMetadataValidator : IClusterValidator
{
    public ValueTask ValidateAsync(ClusterConfig cluster, IList<Exception> errors)
    {
        foreach (var (name, destination) in cluster.Destinations ?? new Dictionary<string, DestinationConfig>(StringComparer.Ordinal))
        {
            foreach (var error in DestinationMetadata.Errors(destination.Metadata))
            {
                errors.Add(new InvalidDataException($"Metadata of destination '{name}' of cluster '{cluster.ClusterId}': {error}"));
            }
        }

        return ValueTask.CompletedTask;
    }
}
