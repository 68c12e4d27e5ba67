namespace SseApp.Tests.Infrastructure;

/// <summary>A Redis server of one's own whose events survive its end, in a folder of its own.</summary>
public sealed class AofRedisServer : BackplaneServer
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-aof-");

    protected override (ProcessStartInfo? Start, string? SkipReason) Prepare(int port)
    {
        var path = FindOnPath("redis-server");
        return path is null
            ? (null, "redis-server is not installed (apt-get install redis-server).")
            : (new ProcessStartInfo(path, ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir", _folder.FullName]), null);
    }

    protected override ValueTask CleanUpAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
