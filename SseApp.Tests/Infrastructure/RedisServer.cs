using SseApp.AppHost.Backplane;

namespace SseApp.Tests.Infrastructure;

/// <summary>Debian's <c>redis-server</c>, or any other on the PATH, without persistence.</summary>
public sealed class RedisServer : BackplaneServer
{
    private readonly string[] _more;

    public RedisServer()
        : this([])
    {
    }

    /// <param name="more">Further arguments.</param>
    internal RedisServer(params string[] more) => _more = more;

    protected override (ProcessStartInfo? Start, string? SkipReason) Prepare(int port) => Redis(["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", .. _more]);
}

/// <summary>A Redis server of one's own whose events survive its end, in a folder of its own.</summary>
public sealed class AofRedisServer : BackplaneServer
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-aof-");

    public string Folder => _folder.FullName;

    protected override (ProcessStartInfo? Start, string? SkipReason) Prepare(int port) => Redis(["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir", _folder.FullName]);

    protected override ValueTask CleanUpAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Garnet with Lua on, started as the AppHost does.</summary>
public sealed class GarnetServer : BackplaneServer
{
    private readonly string _memory;

    public GarnetServer()
        : this("256m")
    {
    }

    internal GarnetServer(string memory) => _memory = memory;

    protected override (ProcessStartInfo? Start, string? SkipReason) Prepare(int port) => !File.Exists(GarnetServerExtensions.ServerPath)
        ? (null, "The build had no package of garnet-server.")
        : (new ProcessStartInfo("dotnet", [GarnetServerExtensions.ServerPath, "--port", $"{port}", "--bind", "127.0.0.1", "--lua", "--lua-transaction-mode", "--expired-key-deletion-scan-freq", "1", "--memory", _memory, "--index", "16m"])
        {
            WorkingDirectory = Path.GetTempPath(),
        }, null);
}
