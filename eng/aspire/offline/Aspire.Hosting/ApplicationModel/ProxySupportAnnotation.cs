namespace Aspire.Hosting.ApplicationModel;

/// <summary>Whether the orchestrator may put its proxy in front of the resource's endpoints.</summary>
public sealed class ProxySupportAnnotation : IResourceAnnotation
{
    public required bool ProxyEnabled { get; set; }
}
