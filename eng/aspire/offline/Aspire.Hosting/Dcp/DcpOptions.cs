using System.ComponentModel.DataAnnotations;

namespace Aspire.Hosting.Dcp;

/// <summary>Where the engine is and how it is used. Configuration section <c>DcpPublisher</c>.</summary>
internal sealed class DcpOptions
{
    public const string SectionName = "DcpPublisher";

    /// <summary>The engine's executable. Default: the AppHost assembly's metadata <c>dcpclipath</c>.</summary>
    public string? CliPath { get; set; }

    /// <summary>The dashboard's executable. Default: the AppHost assembly's metadata <c>aspiredashboardpath</c>.</summary>
    public string? DashboardPath { get; set; }

    /// <summary><c>docker</c> or <c>podman</c>; empty leaves the choice to the engine.</summary>
    public string? ContainerRuntime { get; set; }

    /// <summary>Ignore the public ports of proxied endpoints, so that several runs fit on one machine.</summary>
    public bool RandomizePorts { get; set; }

    /// <summary>Seconds to wait for the engine's connection file and for its answer to <c>dcp info</c>.</summary>
    [Range(1, 600)]
    public int StartTimeoutSeconds { get; set; } = 30;
}
