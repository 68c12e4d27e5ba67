namespace SseApp.Tests.Infrastructure;

/// <summary>One server of several that belong together, with a folder of its own.</summary>
public sealed class RedisNode(Func<int, string, IEnumerable<string>> arguments) : BackplaneServer
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-node-");

    protected override (ProcessStartInfo? Start, string? SkipReason) Prepare(int port)
    {
        var path = FindOnPath("redis-server");
        return path is null
            ? (null, "redis-server is not installed (apt-get install redis-server).")
            : (new ProcessStartInfo(path, arguments(port, _folder.FullName)), null);
    }

    protected override ValueTask CleanUpAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
