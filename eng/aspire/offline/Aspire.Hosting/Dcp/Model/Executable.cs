namespace Aspire.Hosting.Dcp.Model;

/// <summary>One process on this machine: a replica of a project, or an executable resource.</summary>
internal sealed class Executable : DcpObject<ExecutableSpec, ExecutableStatus>, IDcpKind
{
    public static string KindName => "Executable";

    public static string Plural => "executables";
}

internal sealed class ExecutableSpec
{
    public string? ExecutablePath { get; set; }

    public string? WorkingDirectory { get; set; }

    public IReadOnlyList<string>? Args { get; set; }

    public IReadOnlyList<EnvVar>? Env { get; set; }

    public string ExecutionType { get; set; } = "Process";

    public bool? Stop { get; set; }
}

internal sealed class ExecutableStatus
{
    public string? State { get; set; }

    public int? Pid { get; set; }

    public DateTime? StartupTimestamp { get; set; }

    public DateTime? FinishTimestamp { get; set; }

    public int? ExitCode { get; set; }

    public IReadOnlyList<EnvVar>? EffectiveEnv { get; set; }

    public IReadOnlyList<string>? EffectiveArgs { get; set; }

    public string? Message { get; set; }
}
