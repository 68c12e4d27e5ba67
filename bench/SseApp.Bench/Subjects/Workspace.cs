using System.Net.Sockets;
using System.Reflection;

namespace SseApp.Bench.Subjects;

/// <summary>Where programs are found and where a run writes: configuration, logs and data under <c>artifacts/bench</c>.</summary>
internal sealed class Workspace
{
    public Workspace(bool garnet)
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "SseApp.sln")))
        {
            directory = directory.Parent;
        }

        Root = directory?.FullName
            ?? throw new BenchException("The comparison starts the servers from the repository; run it there: dotnet run -c Release --project bench/SseApp.Bench -- compare");
        Artifacts = Path.Combine(Root, "artifacts", "bench");
        Directory.CreateDirectory(Path.Combine(Artifacts, "logs"));
        UseGarnet = garnet || Find("redis-server") is null;
    }

    /// <summary>How the servers are reached by their clients.</summary>
    public Transport Transport { get; init; }

    /// <summary>Of the servers; null without TLS.</summary>
    public ServerCertificate? Certificate { get; init; }

    public string Root { get; }

    public string Artifacts { get; }

    /// <summary>Garnet instead of redis-server.</summary>
    public bool UseGarnet { get; }

    public static string? GarnetPath { get; } =
        typeof(Workspace).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(attribute => attribute.Key == "garnetserverpath")?.Value is { } path && File.Exists(path) ? path : null;

    public static string Configuration { get; } =
        typeof(Workspace).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()?.Configuration ?? "Debug";

    /// <summary>The assembly of one of the repository's programs, built like this one.</summary>
    public string Assembly(string project) =>
        Path.Combine(Root, project, "bin", Configuration, "net10.0", Path.GetFileName(project) + ".dll");

    /// <summary>Full path of a program, also of those that a user's PATH lacks (/usr/sbin); null when not installed.</summary>
    public static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Append("/usr/local/bin")
            .Select(directory => Path.Combine(directory, program)).FirstOrDefault(File.Exists);

    /// <summary>An empty folder for one server of this run.</summary>
    public string FreshDirectory(string name)
    {
        var path = Path.Combine(Artifacts, "run", name);
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }

        Directory.CreateDirectory(path);
        return path;
    }

    public string Log(string name) => Path.Combine(Artifacts, "logs", name + ".log");

    /// <summary>Settings of Kestrel for its addresses: beside the plain one, by which the bench asks whether it is healthy, that for clients if they speak TLS.</summary>
    /// <param name="port">The plain one.</param>
    /// <param name="clients">Theirs.</param>
    public (string Name, string Value)[] Kestrel(int port, out int clients)
    {
        clients = port;
        if (Certificate is null)
        {
            return [("ASPNETCORE_URLS", $"http://127.0.0.1:{port}")];
        }

        clients = FreePort();
        return
        [
            ("ASPNETCORE_URLS", $"http://127.0.0.1:{port};https://127.0.0.1:{clients}"),
            ("Kestrel__Certificates__Default__Path", Certificate.File),
            ("Kestrel__Certificates__Default__KeyPath", Certificate.Key),
        ];
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
