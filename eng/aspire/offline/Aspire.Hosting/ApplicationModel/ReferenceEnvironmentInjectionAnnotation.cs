namespace Aspire.Hosting.ApplicationModel;

/// <summary>What references put into the resource's environment.</summary>
public sealed class ReferenceEnvironmentInjectionAnnotation(ReferenceEnvironmentInjectionFlags flags) : IResourceAnnotation
{
    public ReferenceEnvironmentInjectionFlags Flags { get; } = flags;
}
