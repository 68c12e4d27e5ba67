namespace Aspire.Hosting.ApplicationModel;

/// <summary>A container.</summary>
public class ContainerResource(string name, string? entrypoint = null)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport, IResourceWithProbes, IComputeResource
{
    /// <summary>Replaces the image's entry point.</summary>
    public string? Entrypoint { get; set; } = entrypoint;

    /// <summary>Whether the arguments are one shell command line.</summary>
    public bool? ShellExecution { get; set; }
}
