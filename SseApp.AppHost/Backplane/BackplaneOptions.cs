namespace SseApp.AppHost.Backplane;

/// <summary>Section <c>Backplane</c>: the Redis of the local cluster.</summary>
internal sealed class BackplaneOptions
{
    public const string SectionName = "Backplane";

    /// <summary>Where Redis comes from. Default <see cref="BackplaneMode.Auto"/>.</summary>
    public BackplaneMode Mode { get; set; }

    /// <summary>
    /// Keeps the topic logs over the end of Redis and of the cluster: a volume for a container, an append-only file in
    /// <see cref="DataDirectory"/> for Garnet. Default false.
    /// </summary>
    public bool Persistent { get; set; }

    /// <summary>Folder of Garnet's files; a relative path begins at the AppHost's folder. Default <c>../artifacts/backplane</c>.</summary>
    [StringLength(4096, MinimumLength = 1), System.ComponentModel.Description("the path of a folder")]
    public string DataDirectory { get; set; } = "../artifacts/backplane";

    /// <summary>
    /// Memory that a Redis container may use for data (<c>maxmemory</c>), in MiB; the topic logs get half of it. Also in a
    /// published cluster. Default 512.
    /// </summary>
    [Range(16, 1_048_576)]
    public int ContainerMemoryMiB { get; set; } = 512;

    /// <summary>
    /// Memory that Garnet may use for data, in MiB; the topic logs get half of it. The process itself needs about 200 MiB more.
    /// Default 512.
    /// </summary>
    [Range(64, 1_048_576)]
    public int GarnetMemoryMiB { get; set; } = 512;
}
