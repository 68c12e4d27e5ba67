using System.Collections.Immutable;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The instances that the orchestrator runs for a resource; each has its own state.</summary>
internal sealed class DcpInstancesAnnotation(ImmutableArray<DcpInstance> instances) : IResourceAnnotation
{
    public ImmutableArray<DcpInstance> Instances { get; } = instances;
}

/// <param name="Name">The resource id, such as <c>events-abcdefgh</c>.</param>
/// <param name="Suffix">The random part of the name; also the telemetry's service instance id.</param>
/// <param name="Index">The replica's index from 0.</param>
internal sealed record DcpInstance(string Name, string Suffix, int Index);
