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

    protected override (ProcessStartInfo? Start, string? SkipReason) Prepare(int port)
    {
        var path = FindOnPath("redis-server");
        return path is null
            ? (null, "redis-server is not installed (apt-get install redis-server).")
            : (new ProcessStartInfo(path, ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", .. _more]), null);
    }
}
