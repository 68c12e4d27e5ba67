namespace SseApp.ServiceDefaults.Defaults.Admin;

/// <summary>Where the key of operators is when no setting says it. Part of the services and of the program <c>sse</c>, which looks there.</summary>
internal static partial class AdminKeyFolders
{
    public const string FileName = "admin.key";

    /// <summary>The first one that can be used has the key.</summary>
    public static IEnumerable<string> All()
    {
        if (OperatingSystem.IsWindows())
        {
            yield return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "sseapp");
            yield break;
        }

        var state = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        var home = Environment.GetEnvironmentVariable("HOME");
        if (Path.IsPathFullyQualified(state ?? ""))
        {
            yield return Path.Combine(state!, "sseapp");
        }
        else if (Path.IsPathFullyQualified(home ?? ""))
        {
            yield return Path.Combine(home!, ".local", "state", "sseapp");
        }

        // Everybody may write there, so the name has the user, and what is there already must be the user's.
        var own = string.Create(CultureInfo.InvariantCulture, $"sseapp-{geteuid()}");
        yield return Path.Combine(Path.GetTempPath(), own);
        // In memory, and in a container that may write nothing else.
        yield return Path.Combine("/dev/shm", own);
    }

#pragma warning disable SYSLIB1092, IDE1006, CA2101, CA5392 // The name is the system's.
    [System.Runtime.InteropServices.LibraryImport("libc")]
    internal static partial uint geteuid();
#pragma warning restore SYSLIB1092, IDE1006, CA2101, CA5392
}
