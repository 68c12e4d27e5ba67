namespace SseApp.AppHost.Archive;

/// <summary>Section <c>Archive</c>: the database of the local cluster. The replicas' settings of this section are passed on to them.</summary>
internal sealed class ArchiveOptions
{
    public const string SectionName = "Archive";

    public const string DefaultDataDirectory = "../artifacts/archive";

    /// <summary>Where PostgreSQL comes from. A published cluster gets a connection string in each mode but None. Default <see cref="ArchiveMode.None"/>.</summary>
    public ArchiveMode Mode { get; set; }

    /// <summary>
    /// Folder of the local PostgreSQL's data and password, kept over the end of the cluster; a relative path begins at the AppHost's folder.
    /// Default <c>../artifacts/archive</c>.
    /// </summary>
    [StringLength(4096, MinimumLength = 1), System.ComponentModel.Description("the path of a folder")]
    public string DataDirectory { get; set; } = DefaultDataDirectory;

    /// <summary>
    /// Folder with the programs <c>postgres</c> and <c>initdb</c>. Default: the newest of <c>/usr/lib/postgresql/*/bin</c>, where Debian has them,
    /// otherwise what is on the <c>PATH</c>.
    /// </summary>
    [StringLength(4096, MinimumLength = 1), System.ComponentModel.Description("the path of a folder")]
    public string? Programs { get; set; }
}
