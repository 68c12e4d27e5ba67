namespace SseApp.AppHost.Archive;

/// <summary>The programs of PostgreSQL on this machine, and who runs them.</summary>
/// <param name="Folder">Where <c>postgres</c> and <c>initdb</c> are.</param>
/// <param name="Version">The version's number, where the folder says it.</param>
/// <param name="User">The user as whom they run; null: the one who runs the AppHost.</param>
internal sealed record PostgresPrograms(string Folder, int? Version, PostgresUser? User)
{
    private const string UserName = "postgres";

    /// <summary>Those that there are, or in one line what to install.</summary>
    /// <param name="options">May name the folder.</param>
    /// <param name="path">The folders in which programs are looked for.</param>
    /// <param name="machine">What else is looked at.</param>
    /// <param name="made">The version that made the data which are there: no other one reads them.</param>
    public static (PostgresPrograms? Found, string Missing) Find(ArchiveOptions options, string path, PostgresMachine machine, int? made = null)
    {
        if (OperatingSystem.IsWindows())
        {
            return (null, "on Windows the programs of PostgreSQL are not started from here");
        }

        var folders = path.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        var places = options.Programs is { } named ? [(named, null)] : Packaged(machine.Packages).Concat(folders.Select(folder => (Folder: folder, Version: (int?)null)));
        (string Folder, int? Version)[] installed = [.. places.Where(place => IsIn(place.Item1, "postgres") && IsIn(place.Item1, "initdb"))];
        if (installed.Length == 0)
        {
            return (null, options.Programs is null
                ? "PostgreSQL is not installed (apt-get install postgresql)"
                : $"{ArchiveOptions.SectionName}:{nameof(ArchiveOptions.Programs)} is '{options.Programs}', where the programs postgres and initdb are not");
        }

        var chosen = made is null ? installed[0] : installed.FirstOrDefault(place => place.Version == made || place.Version is null);
        if (chosen.Folder is null)
        {
            return (null, $"its data were made by PostgreSQL {made}, which is not installed (apt-get install postgresql-{made}, or pg_upgrade)");
        }

        if (!machine.IsRoot)
        {
            return (new PostgresPrograms(chosen.Folder, chosen.Version, null), "");
        }

        var user = File.Exists(machine.Users) ? File.ReadLines(machine.Users).Select(line => line.Split(':')).FirstOrDefault(fields => fields is [UserName, _, _, _, _, _, ..]) : null;
        return user is null || !folders.Any(folder => IsIn(folder, "setpriv"))
            ? (null, "as root PostgreSQL is run by setpriv as the user postgres, and one of these is not there (apt-get install postgresql util-linux)")
            : (new PostgresPrograms(chosen.Folder, chosen.Version, new PostgresUser(UserName, user[5])), "");
    }

    // The newest first.
    private static IEnumerable<(string Folder, int? Version)> Packaged(string packages) => Directory.Exists(packages)
        ? Directory.GetDirectories(packages)
            .Select(folder => (Folder: Path.Combine(folder, "bin"), Version: int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var version) ? version : (int?)null))
            .Where(place => place.Version is not null)
            .OrderByDescending(place => place.Version)
        : [];

    private static bool IsIn(string folder, string program) => File.Exists(Path.Combine(folder, program));
}

/// <summary>Where the programs are looked for, and as whom.</summary>
/// <param name="IsRoot">PostgreSQL refuses to run as root.</param>
/// <param name="Packages">Where Debian puts each version.</param>
/// <param name="Users">The list of users.</param>
internal sealed record PostgresMachine(bool IsRoot, string Packages = "/usr/lib/postgresql", string Users = "/etc/passwd")
{
    /// <summary>This one.</summary>
    public static PostgresMachine Here { get; } = new(Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows());
}

/// <summary>A user of this machine.</summary>
internal sealed record PostgresUser(string Name, string Home);
