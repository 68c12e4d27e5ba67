namespace SseApp.ServiceDefaults.Defaults.Descriptors;

/// <summary>
/// Section <c>Descriptors</c>: file descriptors (open files) of the process. Their limit is the system's (<c>ulimit -n</c>,
/// <c>LimitNOFILE=</c>, <c>ulimits.nofile</c>).
/// </summary>
internal sealed class DescriptorOptions
{
    public const string SectionName = "Descriptors";

    /// <summary>
    /// Descriptors that streams leave to everything else: publishes, probes, operators, Redis, files. Less than half of them may be
    /// clients' connections without a stream. Default 0: an eighth of the limit, at least 64 and at most 512.
    /// </summary>
    [Range(0, 1_000_000)]
    public int Reserve { get; set; }

    /// <summary>
    /// Clients' connections (TCP) open at once; further ones are closed before TLS. Default 60 000; 0: no limit but that of
    /// descriptors.
    /// </summary>
    [Range(0, 10_000_000)]
    public int MaxConnections { get; set; } = 60_000;

    /// <summary>The reserve under this limit of the process.</summary>
    public int ReserveOf(int limit) => Reserve > 0 ? Reserve : Math.Clamp(limit / 8, 64, 512);
}
