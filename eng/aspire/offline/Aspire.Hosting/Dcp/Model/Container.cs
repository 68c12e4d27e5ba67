namespace Aspire.Hosting.Dcp.Model;

/// <summary>A container that the engine runs through docker or podman.</summary>
internal sealed class Container : DcpObject<ContainerSpec, ContainerStatus>, IDcpKind
{
    public static string KindName => "Container";

    public static string Plural => "containers";
}

internal sealed class ContainerSpec
{
    public string? ContainerName { get; set; }

    public string? Image { get; set; }

    public IReadOnlyList<VolumeMount>? VolumeMounts { get; set; }

    public IReadOnlyList<ContainerPort>? Ports { get; set; }

    public IReadOnlyList<EnvVar>? Env { get; set; }

    public string? Command { get; set; }

    public IReadOnlyList<string>? Args { get; set; }

    public IReadOnlyList<string>? RunArgs { get; set; }

    public IReadOnlyList<ContainerNetworkConnection>? Networks { get; set; }

    public bool? Persistent { get; set; }

    public string? PullPolicy { get; set; }

    public bool? Stop { get; set; }
}

internal sealed record VolumeMount(string Type, string? Source, string Target, bool ReadOnly);

internal sealed record ContainerPort(int ContainerPortNumber, int? HostPort, string? HostIP)
{
    [System.Text.Json.Serialization.JsonPropertyName("containerPort")]
    public int ContainerPortNumber { get; init; } = ContainerPortNumber;

    [System.Text.Json.Serialization.JsonPropertyName("hostIP")]
    public string? HostIP { get; init; } = HostIP;
}

internal sealed record ContainerNetworkConnection(string Name, IReadOnlyList<string> Aliases);

internal sealed class ContainerStatus
{
    public string? State { get; set; }

    public string? ContainerId { get; set; }

    public DateTime? StartupTimestamp { get; set; }

    public DateTime? FinishTimestamp { get; set; }

    /// <summary>-1 while unknown.</summary>
    public int? ExitCode { get; set; }

    public IReadOnlyList<EnvVar>? EffectiveEnv { get; set; }

    public IReadOnlyList<string>? EffectiveArgs { get; set; }

    public string? Message { get; set; }
}
