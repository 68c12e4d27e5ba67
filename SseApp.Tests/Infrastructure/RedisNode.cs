namespace SseApp.Tests.Infrastructure;

/// <summary>One server of several that belong together, with a folder of its own.</summary>
public sealed class RedisNode(Func<int, string, IEnumerable<string>> arguments) : BackplaneServer
{
    /// <summary>A sentinel.</summary>
    /// <param name="service">Name of the primary that it watches.</param>
    /// <param name="primary">Its port, which is known when the sentinel starts.</param>
    /// <param name="quorum">Sentinels that have to agree.</param>
    /// <param name="settings">Such as <c>failover-timeout 30000</c>, of this primary.</param>
    public static RedisNode Sentinel(string service, Func<int> primary, int quorum, params (string Name, int Value)[] settings) => new((port, folder) =>
    {
        var file = Path.Combine(folder, "sentinel.conf");
        File.WriteAllLines(
            file,
            [
                $"port {port}", "bind 127.0.0.1", $"dir {folder}", $"sentinel monitor {service} 127.0.0.1 {primary()} {quorum}",
                .. settings.Select(setting => $"sentinel {setting.Name} {service} {setting.Value}"),
            ]);
        return [file, "--sentinel"];
    });

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-node-");

    protected override (ProcessStartInfo? Start, string? SkipReason) Prepare(int port) => Redis(arguments(port, _folder.FullName));

    protected override ValueTask CleanUpAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
