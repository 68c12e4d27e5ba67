namespace SseApp.Bench.Quick;

/// <summary>
/// Everything at once, because CPU time is compared and not speed: Redis and one replica, which are reached directly, through the gateway and through
/// nginx, and beside them plain ASP.NET and nchan; and a service that is no replica, behind the same gateway and behind YARP alone. Who is not asked does nothing.
/// </summary>
internal sealed class QuickCluster(Workspace workspace, string? cores) : Subject(workspace, cores)
{
    /// <summary>The service behind YARP alone, and behind the gateway.</summary>
    public const string PlainYarp = "service-yarp";

    public const string ServiceBehindGateway = "service-gateway";

    private const string ServicePath = "/service";

    private readonly List<QuickSide> _sides = [];
    private readonly KestrelSubject _service = new(workspace, cores);
    private readonly List<Subject> _others = [new NchanSubject(workspace, cores, redis: false), new AspNetSubject(workspace, cores)];

    public override string Name => "quick";

    public override string Description => $"SseApp.Events, direct and behind its gateway, {RedisDescription}";

    public IReadOnlyList<QuickSide> Sides => _sides;

    /// <summary>What was left out, and how to have it.</summary>
    public List<string> Left { get; } = [];

    public override string? Missing() => RedisMissing;

    public override async Task<Target> StartAsync(int workers, CancellationToken cancellationToken)
    {
        var redis = await StartRedisAsync(cancellationToken);
        var port = Workspace.FreePort();
        await StartServiceAsync("replica", "SseApp.Events", port, cancellationToken, OursSubject.Environment(port, redis));
        int[] replica = [.. Running.Select(process => process.Id)];
        Add("sseapp", port, []);
        var service = (await _service.StartAsync(workers: 1, cancellationToken)).Url;
        foreach (var front in (Front[])[Front.Gateway, Front.Nginx])
        {
            if (front.Missing is { } advice)
            {
                Left.Add($"sseapp-{front.Name} was left out; to have it: {advice}.");
                continue;
            }

            var own = Workspace.FreePort();
            var process = await StartAsync(
                $"{Name}.{front.Name}", front.Command(Workspace, own, own, port), Healthy(own), cancellationToken, [.. OursSubject.Environment(own, redis), .. front.Settings, .. Routes(service)]);
            Add($"sseapp-{front.Name}", own, [process.Id]);
            if (front.IsOurs)
            {
                // What the service takes is the same on both sides, and is not counted.
                _sides.Add(new QuickSide(ServiceBehindGateway, Target.Other(own, path: ServicePath), [process.Id]));
            }
        }

        var plain = Workspace.FreePort();
        var yarp = await StartAsync(
            $"{Name}.yarp", ["dotnet", Workspace.Assembly(KestrelSubject.Project), "--proxy", service.ToString()], Listening(plain), cancellationToken,
            ("ASPNETCORE_URLS", $"http://127.0.0.1:{plain}"), ("Logging__LogLevel__Default", "Warning"));
        _sides.Add(new QuickSide(PlainYarp, Target.Other(plain, path: ServicePath), [yarp.Id]));

        foreach (var other in _others)
        {
            if (other.Missing() is { } advice)
            {
                Left.Add($"{other.Name} was left out; to have it: {advice}.");
                continue;
            }

            var target = await other.StartAsync(workers: 1, cancellationToken);
            _sides.Add(new QuickSide(other.Name, target, other.ProcessIds()));
        }

        return _sides[0].Target;

        void Add(string name, int at, int[] more) => _sides.Add(new QuickSide(name, Target.Ours(Target.Local(at)), [.. replica, .. more]));
    }

    public async Task EndAsync()
    {
        foreach (var other in (Subject[])[.. _others, _service])
        {
            await other.StopAsync();
            other.Dispose();
        }

        await StopAsync();
    }

    private static (string Name, string Value)[] Routes(Uri service) =>
    [
        ("ReverseProxy__Routes__service__ClusterId", "service"),
        ("ReverseProxy__Routes__service__Match__Path", $"{ServicePath}/{{**rest}}"),
        ("ReverseProxy__Clusters__service__Destinations__only__Address", service.ToString()),
    ];
}
