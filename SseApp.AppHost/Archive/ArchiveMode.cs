namespace SseApp.AppHost.Archive;

/// <summary>Where the cluster's database for history comes from.</summary>
internal enum ArchiveMode
{
    /// <summary>There is none: history ends where Redis ends.</summary>
    None,

    /// <summary>
    /// A container when a container runtime answers and has, or gets, the image; otherwise the programs of PostgreSQL where they are installed;
    /// otherwise none, which one line says.
    /// </summary>
    Auto,

    /// <summary>The official PostgreSQL image, with a volume.</summary>
    Container,

    /// <summary>The programs of PostgreSQL that are installed here, with a database cluster of its own.</summary>
    Local,

    /// <summary>The server named by <c>ConnectionStrings:archive</c>.</summary>
    External,
}
