namespace SseApp.Bench.Masters;

/// <summary>A Redis Cluster of so many masters, and a replica of SseApp that publishes to it; all on the servers' core.</summary>
internal sealed class RedisMasters(Workspace workspace, string? cores, int masters) : Subject(workspace, cores)
{
    private const int Slots = 16_384;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(100);

    private readonly List<int> _ports = [];

    public override string Name => $"masters{masters}";

    public override string Description => $"Redis Cluster, {masters} masters";

    public int Masters => masters;

    /// <summary>Process ids, in the order of their slots.</summary>
    public int[] MasterIds { get; private set; } = [];

    public int ReplicaId { get; private set; }

    public string ConnectionString => string.Join(',', _ports.Select(port => $"127.0.0.1:{port}"));

    public override string? Missing() => Workspace.Find("redis-server") is null ? "apt-get install redis-server" : null;

    public override async Task<Target> StartAsync(int workers, CancellationToken cancellationToken)
    {
        for (var i = 0; i < masters; i++)
        {
            var (port, bus) = (Workspace.FreePort(), Workspace.FreePort());
            var data = Workspace.FreshDirectory($"{Name}.redis{i}");
            string[] command =
            [
                Workspace.Find("redis-server")!, "--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", data,
                "--cluster-enabled", "yes", "--cluster-port", $"{bus}",
            ];
            await StartAsync($"{Name}.redis{i}", command, Listening(port), cancellationToken);
            _ports.Add(port);
            await CommandAsync(port, "CLUSTER", "ADDSLOTSRANGE", $"{Slots * i / masters}", $"{(Slots * (i + 1) / masters) - 1}");
            await CommandAsync(port, "CLUSTER", "SET-CONFIG-EPOCH", $"{i + 1}");
            if (i > 0)
            {
                await CommandAsync(_ports[0], "CLUSTER", "MEET", "127.0.0.1", $"{port}", $"{bus}");
            }
        }

        MasterIds = ProcessIds();
        await WholeAsync(cancellationToken);
        var own = Workspace.FreePort();
        (string Name, string Value)[] environment = [.. OursSubject.Environment(own, _ports[0]).Where(setting => setting.Name != "ConnectionStrings__redis"), ("ConnectionStrings__redis", ConnectionString)];
        ReplicaId = (await StartServiceAsync("replica", "SseApp.Events", own, cancellationToken, environment)).Id;
        return Target.Ours(Target.Local(own));
    }

    private static async Task<string> CommandAsync(int port, params string[] command)
    {
        var start = new ProcessStartInfo(Workspace.Find("redis-cli") ?? throw new BenchException("redis-cli is missing: apt-get install redis-tools"), ["-p", $"{port}", .. command])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return output;
    }

    // Each node has to know it: a client may ask any of them.
    private async Task WholeAsync(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        foreach (var port in _ports)
        {
            var info = "";
            while (!(info = await CommandAsync(port, "CLUSTER", "INFO")).Contains("cluster_state:ok", StringComparison.Ordinal) || !info.Contains($"cluster_known_nodes:{masters}", StringComparison.Ordinal))
            {
                if (Stopwatch.GetElapsedTime(started) > s_limit)
                {
                    throw new BenchException($"The cluster of {masters} masters was not whole within {s_limit.TotalSeconds} s:\n{info}");
                }

                await Task.Delay(s_poll, TimeProvider.System, cancellationToken);
            }
        }
    }
}
