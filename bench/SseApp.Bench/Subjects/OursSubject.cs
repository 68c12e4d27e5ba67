namespace SseApp.Bench.Subjects;

/// <summary>This repository's replica and Redis, reached directly or through its gateway.</summary>
internal sealed class OursSubject(Workspace workspace, string? cores, Front? front) : Subject(workspace, cores)
{
    private const string FrontName = "front";
    private const string SecondFrontName = "front2";

    private readonly List<(ServerProcess Process, int Port, int Clients)> _replicas = [];
    private int _redis;

    public override string Name => front is null ? "sseapp" : $"sseapp-{front.Name}";

    public override string Description => $"SseApp.Events{(front is null ? "" : $" behind {front.Description}")}, {RedisDescription}";

    public override bool IsOurs => true;

    public override bool Proxied => front is not null;

    public override bool CanSpeakTls => front is null || HasGateway || ReferenceEquals(front, Front.Nginx);

    public override bool OnlyBehindProxy => front is { IsOurs: false };

    public bool HasGateway => front is { IsOurs: true };

    // A client of one address alone cannot fail over to another replica.
    public override bool CanLoseWorker => HasGateway;

    public override string? Missing() => RedisMissing
        ?? (File.Exists(Workspace.Assembly("SseApp.Events")) ? null : $"build it: dotnet build -c {Workspace.Configuration} SseApp.Events")
        ?? front?.Missing;

    public override async Task<Target> StartAsync(int workers, CancellationToken cancellationToken)
    {
        _replicas.Clear();
        _redis = await StartRedisAsync(cancellationToken);
        for (var i = 0; i < workers; i++)
        {
            _replicas.Add(await StartReplicaAsync(i, cancellationToken));
        }

        var port = front is null ? _replicas[0].Clients : await StartFrontAsync(FrontName, cancellationToken);
        return Target.Ours(Target.Local(port, Workspace.Transport), transport: Workspace.Transport);
    }

    /// <summary>Starts a second gateway beside the first.</summary>
    /// <param name="first">How the first is reached.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<Target> StartSecondGatewayAsync(Target first, CancellationToken cancellationToken) =>
        Target.Ours(first.Url, others: [Target.Local(await StartFrontAsync(SecondFrontName, cancellationToken), Workspace.Transport)], transport: Workspace.Transport);

    public Task<(long KilledAt, long ReadyAt)> RestartGatewayAsync(CancellationToken cancellationToken) =>
        RestartAsync(name => name == $"{Name}.{FrontName}", cancellationToken);

    public override async Task KillWorkerAsync(CancellationToken cancellationToken)
    {
        var (process, _, _) = _replicas[0];
        Running.Remove(process);
        await process.KillAsync();
        // The bench stands in for the AppHost's supervisor, as nginx's master and PM2 do for theirs.
        _replicas[0] = await StartReplicaAsync(_replicas.Count, cancellationToken);
    }

    private async Task<int> StartFrontAsync(string name, CancellationToken cancellationToken)
    {
        var port = Workspace.FreePort();
        var clients = Workspace.Certificate is null ? port : Workspace.FreePort();
        await StartAsync(
            $"{Name}.{name}", front!.Command(Workspace, port, clients, _replicas[0].Port), Healthy(port), cancellationToken, [.. Environment(port, _redis), .. Tls(clients), .. front.Settings]);
        return clients;
    }

    // Of a gateway; nginx has it in its configuration. From either to the replica it is plain.
    private (string Name, string Value)[] Tls(int port) => Workspace.Certificate is not { } certificate ? [] :
    [
        ("Tls__CertificateFile", certificate.File),
        ("Tls__KeyFile", certificate.Key),
        ("Tls__Urls", $"https://127.0.0.1:{port}"),
        ("Tls__MinVersion", "Tls13"),
        ("Tls__Redirect", "false"),
    ];

    private async Task<(ServerProcess Process, int Port, int Clients)> StartReplicaAsync(int index, CancellationToken cancellationToken)
    {
        var port = Workspace.FreePort();
        var clients = port;
        var addresses = front is null ? Workspace.Kestrel(port, out clients) : [];
        var process = await StartServiceAsync($"replica{index}", "SseApp.Events", port, cancellationToken, [.. Environment(port, _redis), .. addresses]);
        return (process, port, clients);
    }

    /// <summary>Settings of a replica or a gateway.</summary>
    public static (string Name, string Value)[] Environment(int port, int redis) =>
    [
        ("ASPNETCORE_URLS", $"http://127.0.0.1:{port}"),
        .. Cluster(redis),

        // The load comes from one address and connects as fast as it can.
        ("Topics__NewHubsPerSecond", "0"),
        ("Limits__StreamsPerAddress", "0"),
        ("Limits__StreamsPerGateway", "0"),
        ("Limits__ConnectsPerSecond", "0"),
        ("Limits__EventsPerSecond", "0"),
        ("Limits__StoredBytesPerSecond", "0"),
        ("Limits__ReadsPerSecond", "0"),
        ("Limits__ReadBytesPerSecond", "0"),
        ("Limits__ReadsAtOnce", "0"),
        ("Limits__RefusalsPerSecond", "0"),
        ("Limits__TopicsPerAddress", "0"),
        ("Descriptors__MaxConnections", "0"),
    ];

    /// <summary>What makes services one cluster, with the limits that they have by default.</summary>
    public static (string Name, string Value)[] Cluster(int redis) =>
    [
        ("ConnectionStrings__redis", $"127.0.0.1:{redis}"),
        // As every subject has it: for the time of a run, and on loopback.
        ("Cluster__AllowRedisWithoutPassword", "true"),
        ("RedisMemory__AllowNoLimit", "true"),
        ("Logging__LogLevel__Default", "Warning"),
        ("Security__GatewayKey", "Zm9yIGJlbmNobWFya3MgYW5kIG5vdGhpbmcgZWxzZSE="),
        ("Admin__Urls", ""),
        ("Security__AllowAnonymous", "true"),
    ];
}
