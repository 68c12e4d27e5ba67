namespace SseApp.Tests.Infrastructure;

/// <summary>Debian's PostgreSQL, which is not on the PATH, or any other that is. Its servers refuse to run as root.</summary>
internal static class PostgresPrograms
{
    private const string DebianFolder = "/usr/lib/postgresql";
    private const string User = "postgres";

    private static readonly Lazy<string?> s_folder = new(Find);

    /// <summary>Why it cannot run here, or null.</summary>
    public static string? SkipReason =>
        !OperatingSystem.IsLinux() ? "PostgreSQL is started on Linux only."
        : s_folder.Value is null ? "PostgreSQL is not installed (apt-get install postgresql)."
        : Environment.IsPrivilegedProcess && !File.ReadLines("/etc/passwd").Any(line => line.StartsWith($"{User}:", StringComparison.Ordinal)) ? $"PostgreSQL does not run as root, and there is no user {User}."
        : null;

    /// <summary>A folder that the server may write to.</summary>
    public static async Task<DirectoryInfo> CreateFolderAsync()
    {
        var folder = Directory.CreateTempSubdirectory("sse-postgres-");
        await OwnAsync(folder.FullName);
        return folder;
    }

    /// <summary>Gives the folder to the server's user.</summary>
    public static async Task OwnAsync(string folder)
    {
        if (Environment.IsPrivilegedProcess)
        {
            await using var process = ChildProcess.Start(new ProcessStartInfo("chown", [User, folder]));
            await process.WaitForExitAsync();
        }
    }

    /// <summary>Starts one of the programs; its process id is that of the program.</summary>
    public static ChildProcess Start(string program, params IEnumerable<string> arguments)
    {
        var path = Path.Combine(s_folder.Value!, program);
        var start = Environment.IsPrivilegedProcess
            ? new ProcessStartInfo("setpriv", [$"--reuid={User}", $"--regid={User}", "--clear-groups", "--", path, .. arguments])
            : new ProcessStartInfo(path, arguments);
        start.WorkingDirectory = "/";
        start.Environment["LC_ALL"] = "C";
        // Of a password file or a service of whoever runs the tests nothing is to be used.
        start.Environment["PGPASSFILE"] = "/dev/null";
        return ChildProcess.Start(start);
    }

    public static async Task RunAsync(string program, params IEnumerable<string> arguments)
    {
        await using var process = Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}: {process.Tail(10)}");
    }

    private static string? Find() =>
        (Directory.Exists(DebianFolder) ? Directory.GetDirectories(DebianFolder) : [])
            .OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var version) ? version : 0)
            .Select(folder => Path.Combine(folder, "bin"))
            .Append(Path.GetDirectoryName(BackplaneServer.FindOnPath("initdb")))
            .FirstOrDefault(folder => folder is not null && File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "postgres")));
}
