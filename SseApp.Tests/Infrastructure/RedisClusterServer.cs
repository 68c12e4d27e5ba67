namespace SseApp.Tests.Infrastructure;

/// <summary>A Redis Cluster of three masters.</summary>
public sealed class RedisClusterServer : BackplaneServer
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-cluster-");
    private readonly RedisNode[] _others = [new(Arguments), new(Arguments)];

    public override string ConnectionString =>
        $"127.0.0.1:{Port},{string.Join(',', _others.Select(node => $"127.0.0.1:{node.Port}"))},abortConnect=false,connectTimeout=2000";

    protected override (ProcessStartInfo? Start, string? SkipReason) Prepare(int port)
    {
        var path = FindOnPath("redis-server");
        return path is null || FindOnPath("redis-cli") is null
            ? (null, "redis-server or redis-cli is not installed (apt-get install redis-server).")
            : (new ProcessStartInfo(path, Arguments(port, _folder.FullName)), null);
    }

    protected override async Task<string?> AfterStartAsync()
    {
        foreach (var node in _others)
        {
            await node.RequireAsync();
        }

        var nodes = new[] { Port, _others[0].Port, _others[1].Port }.Select(port => $"127.0.0.1:{port}");
        var created = await RunAsync(["--cluster", "create", .. nodes, "--cluster-yes"]);
        await Eventually.Async(
            async () => (await RunAsync(["-p", $"{Port}", "cluster", "info"])).Contains("cluster_state:ok", StringComparison.Ordinal)
                && (await RunAsync(["-p", $"{_others[1].Port}", "cluster", "info"])).Contains("cluster_state:ok", StringComparison.Ordinal),
            TimeSpan.FromSeconds(20),
            $"the cluster to be whole; redis-cli said: {created}");
        return null;
    }

    protected override async ValueTask CleanUpAsync()
    {
        foreach (var node in _others)
        {
            await node.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    // The port of the cluster's own talk is port + 10000 by default, which a high port does not have.
    private static IEnumerable<string> Arguments(int port, string folder) =>
        ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder, "--cluster-enabled", "yes", "--cluster-port", $"{Ports.Next()}"];

    private static async Task<string> RunAsync(IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(FindOnPath("redis-cli")!, arguments) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return output;
    }
}
