namespace SseApp.Bench.Archive;

/// <summary>Debian's PostgreSQL, or any other that is on the PATH, with a folder of its own. It refuses to run as root.</summary>
internal sealed class PostgresServer(Workspace workspace, string cores)
{
    private const string DebianFolder = "/usr/lib/postgresql";
    private const string User = "postgres";
    private const string Database = "postgres";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-bench-postgres-");
    private readonly int _port = Workspace.FreePort();
    private ServerProcess? _process;

    /// <summary>How to install it, or null when it can run.</summary>
    public static string? Missing =>
        Folder is null ? "PostgreSQL: apt-get install postgresql"
        : Environment.IsPrivilegedProcess && !File.ReadLines("/etc/passwd").Any(line => line.StartsWith($"{User}:", StringComparison.Ordinal)) ? $"PostgreSQL does not run as root: make a user {User}"
        : null;

    public string ConnectionString => $"Host=127.0.0.1;Port={_port};Database={Database};Username={User};SSL Mode=Disable";

    public int Process => _process!.Id;

    private static string? Folder { get; } =
        (Directory.Exists(DebianFolder) ? Directory.GetDirectories(DebianFolder) : [])
            .OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var version) ? version : 0)
            .Select(folder => Path.Combine(folder, "bin"))
            .Append(Path.GetDirectoryName(Workspace.Find("initdb")))
            .FirstOrDefault(folder => folder is not null && File.Exists(Path.Combine(folder, "initdb")));

    private string Data => Path.Combine(_folder.FullName, "data");

    public async Task CreateAsync(CancellationToken cancellationToken)
    {
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync(["chown", User, _folder.FullName], cancellationToken);
        }

        await RunAsync([.. Command("initdb"), "-D", Data, "-U", User, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"], cancellationToken);
        await StartAsync(cancellationToken);
    }

    /// <summary>Starts it, on the same port, with what it had. As Debian sets it up, but for the memory and the disk, which is whatever the machine has.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _process = ServerProcess.Start(
            workspace,
            "archive.postgres",
            cores,
            [.. Command("postgres"), "-D", Data, "-p", $"{_port}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "shared_buffers=128MB"]);
        await _process.WaitReadyAsync(
            async token =>
            {
                try
                {
                    return await AskAsync("SELECT 1", token) == 1;
                }
                catch (BenchException)
                {
                    return false;
                }
            },
            cancellationToken);
    }

    /// <summary>Ends its connections and then itself.</summary>
    public async Task StopAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            await process.StopAsync(Libc.Interrupt);
        }
    }

    public async Task DeleteAsync()
    {
        await StopAsync();
        _folder.Delete(recursive: true);
    }

    /// <summary>A number from the database.</summary>
    public async Task<long> AskAsync(string sql, CancellationToken cancellationToken)
    {
        var text = await RunAsync(
            [Path.Combine(Folder!, "psql"), "-XAtq", "-h", "127.0.0.1", "-p", $"{_port}", "-U", User, "-d", Database, "-c", sql], cancellationToken);
        return long.Parse(text, CultureInfo.InvariantCulture);
    }

    private static string[] Command(string program) => Environment.IsPrivilegedProcess
        ? ["setpriv", $"--reuid={User}", $"--regid={User}", "--clear-groups", "--", Path.Combine(Folder!, program)]
        : [Path.Combine(Folder!, program)];

    private static async Task<string> RunAsync(string[] command, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = "/" };
        start.Environment["LC_ALL"] = "C";
        using var process = System.Diagnostics.Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        var text = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? text.Trim() : throw new BenchException($"{command[0]} ended with {process.ExitCode}: {await errors}");
    }
}
