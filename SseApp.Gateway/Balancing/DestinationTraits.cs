using System.Runtime.CompilerServices;
using SseApp.ServiceDefaults.Cluster.Placement;

namespace SseApp.Gateway.Balancing;

/// <summary>What the policies want to know of a destination, taken from its metadata once and not for each request.</summary>
internal sealed class DestinationTraits
{
    private static readonly ConditionalWeakTable<DestinationState, DestinationTraits> s_known = [];

    private readonly DestinationConfig? _config;

    private DestinationTraits(DestinationState destination)
    {
        _config = destination.Model?.Config;
        Hash = BoundedRendezvous.Hash(destination.DestinationId);
        Weight = DestinationMetadata.Weight(_config?.Metadata) ?? 1;
        Backup = DestinationMetadata.Backup(_config?.Metadata) ?? false;
        MaxFails = DestinationMetadata.MaxFails(_config?.Metadata);
        FailTimeout = DestinationMetadata.FailTimeout(_config?.Metadata);
    }

    /// <summary>Hash of its id.</summary>
    public ulong Hash { get; }

    public int Weight { get; }

    public bool Backup { get; }

    /// <summary>Null: what the gateway's configuration says for all.</summary>
    public int? MaxFails { get; }

    /// <summary>Null: what the gateway's configuration says for all.</summary>
    public TimeSpan? FailTimeout { get; }

    public static DestinationTraits Of(DestinationState destination)
    {
        if (s_known.TryGetValue(destination, out var traits) && ReferenceEquals(traits._config, destination.Model?.Config))
        {
            return traits;
        }

        traits = new DestinationTraits(destination);
        s_known.AddOrUpdate(destination, traits);
        return traits;
    }
}
