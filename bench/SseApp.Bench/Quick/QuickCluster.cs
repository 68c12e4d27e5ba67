namespace SseApp.Bench.Quick;

/// <summary>
/// Everything at once, because CPU time is compared and not speed: Redis and one replica, which are reached directly, through the gateway and through
/// nginx, and beside them plain ASP.NET and nchan. Who is not asked does nothing.
/// </summary>
internal sealed class QuickCluster(Workspace workspace, string? cores) : Subject(workspace, cores)
{
    private readonly List<QuickSide> _sides = [];
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
        foreach (var front in (Front[])[Front.Gateway, Front.Nginx])
        {
            if (front.Missing is { } advice)
            {
                Left.Add($"sseapp-{front.Name} was left out; to have it: {advice}.");
                continue;
            }

            var own = Workspace.FreePort();
            var process = await StartAsync(
                $"{Name}.{front.Name}", front.Command(Workspace, own, port), Healthy(own), cancellationToken, [.. OursSubject.Environment(own, redis), .. front.Settings]);
            Add($"sseapp-{front.Name}", own, [process.Id]);
        }

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
        foreach (var other in _others)
        {
            await other.StopAsync();
            other.Dispose();
        }

        await StopAsync();
    }
}
