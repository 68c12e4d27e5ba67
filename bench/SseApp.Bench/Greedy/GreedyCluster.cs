namespace SseApp.Bench.Greedy;

/// <summary>Redis, replicas and a gateway as processes, with the limits that they have by default for each greedy client.</summary>
internal sealed class GreedyCluster(Workspace workspace) : Subject(workspace, cores: null)
{
    public override string Name => "greedy";

    public override string Description => "SseApp.Events behind SseApp.Gateway";

    public override string? Missing() => RedisMissing;

    public Uri Gateway { get; private set; } = null!;

    public override async Task<Target> StartAsync(int workers, CancellationToken cancellationToken)
    {
        var redis = await StartRedisAsync(cancellationToken);
        for (var index = 1; index <= workers; index++)
        {
            await StartAsync($"replica-{index}", "SseApp.Events", Workspace.FreePort(), redis, cancellationToken);
        }

        var port = Workspace.FreePort();
        Gateway = Target.Local(port);
        await StartAsync("gateway", "SseApp.Gateway", port, redis, cancellationToken);
        return Target.Ours(Gateway);
    }

    /// <summary>CPU time that each process has used so far, in user and kernel mode; microseconds.</summary>
    public IReadOnlyList<(string Name, double Microseconds)> Cpu() =>
        [.. Running.Select(process => (process.Name[(Name.Length + 1)..], ProcessTree.Of([process.Id]).CpuMicroseconds))];

    /// <summary>All but the generator has the default limits; but only loopback addresses that are named have one of connections.</summary>
    public static IReadOnlyList<(string Name, string Value)> Limits { get; } =
    [
        ("Limits:Clients:0:Name", "ordinary"),
        ("Limits:Clients:0:Addresses:0", "127.0.0.1"),
        ("Limits:Clients:0:Streams", "0"),
        ("Limits:Clients:0:Connections", "0"),
        ("Limits:Clients:0:ConnectsPerSecond", "0"),
        ("Limits:Clients:0:EventsPerSecond", "0"),
        ("Limits:Clients:0:StoredBytesPerSecond", "0"),
        .. GreedyClient.All.SelectMany((client, number) => new (string, string)[]
        {
            ($"Limits:Clients:{number + 1}:Name", client.Name),
            ($"Limits:Clients:{number + 1}:Addresses:0", LoopbackClient.Address(number).ToString()),
            ($"Limits:Clients:{number + 1}:Connections", "256"),
        }),
    ];

    private Task<ServerProcess> StartAsync(string name, string project, int port, int redis, CancellationToken cancellationToken) =>
        StartServiceAsync(
            name,
            project,
            port,
            cancellationToken,
            [
                ("ASPNETCORE_URLS", $"http://127.0.0.1:{port}"),
                ("OTEL_RESOURCE_ATTRIBUTES", $"service.instance.id={name}"),
                .. OursSubject.Cluster(redis),
                .. Limits.Select(limit => (limit.Name.Replace(":", "__", StringComparison.Ordinal), limit.Value)),
            ]);
}
