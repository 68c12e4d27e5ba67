namespace Aspire.Hosting.Dcp;

/// <summary>The answer of <c>dcp info</c>.</summary>
internal sealed record DcpInfo(string? Version, DcpContainerRuntime? Containers);

/// <summary>The container runtime as the engine sees it.</summary>
internal sealed record DcpContainerRuntime(string? Runtime, string? HostName, bool Installed, bool Running, string? Error)
{
    /// <summary>What is wrong and what to do about it, or <see langword="null"/> when containers can run.</summary>
    public string? Problem => (Installed, Running) switch
    {
        (false, _) => $"Container runtime '{Runtime}' could not be found. Install docker or podman, or set DcpPublisher:ContainerRuntime.",
        (true, false) => $"Container runtime '{Runtime}' was found but does not answer. Start it and try again. ({Error})",
        _ => null,
    };
}
