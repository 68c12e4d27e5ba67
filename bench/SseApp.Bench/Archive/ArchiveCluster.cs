using System.Net.Http.Headers;
using SseApp.ServiceDefaults.Defaults.Admin;

namespace SseApp.Bench.Archive;

/// <summary>
/// Redis and two replicas with keys of their own on one core, one of them with an archive; its PostgreSQL is on the generator's core.
/// </summary>
internal sealed class ArchiveCluster(Workspace workspace, int serverCore, int generatorCore) : Subject(workspace, Core(serverCore))
{
    private const string Queries = "sse_archive_queries_total";

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_archiveLimit = TimeSpan.FromMinutes(2);

    private readonly HttpClient _operators = new();
    private Uri _operatorUrl = null!;

    public override string Name => "archive";

    public override string Description => "SseApp.Events, without and with an archive";

    public PostgresServer Database { get; } = new(workspace, Core(generatorCore));

    public MeasuredService Without { get; private set; } = null!;

    public MeasuredService With { get; private set; } = null!;

    public int Redis { get; private set; }

    public override string? Missing() => RedisMissing ?? PostgresServer.Missing;

    public override async Task<Target> StartAsync(int workers, CancellationToken cancellationToken)
    {
        await Database.CreateAsync(cancellationToken);
        var redis = await StartRedisAsync(cancellationToken);
        Redis = Running[0].Id;
        var key = AdminKeyFile.ReadOrCreate(Path.Combine(Workspace.FreshDirectory("archive.with"), "admin.key"));
        _operatorUrl = Target.Local(Workspace.FreePort());
        _operators.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key.Text);
        Without = await StartReplicaAsync("without", redis, cancellationToken);
        With = await StartReplicaAsync(
            "with",
            redis,
            cancellationToken,
            ("Archive__Mode", "PostgreSQL"),
            ("ConnectionStrings__archive", Database.ConnectionString),
            ("Admin__Urls", _operatorUrl.AbsoluteUri),
            ("Admin__KeyFile", key.File));
        return With.Target;
    }

    /// <summary>Queries of the archive so far.</summary>
    public async Task<long> QueriesAsync(CancellationToken cancellationToken)
    {
        // The exporter makes its page anew when it is this old.
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, cancellationToken);
        var page = await _operators.GetStringAsync(new Uri(_operatorUrl, "/metrics"), cancellationToken);
        return (long)MetricsPage.Sum(page, Queries);
    }

    /// <summary>Waits until the archive has that many events.</summary>
    /// <param name="events">Of all topics.</param>
    /// <param name="look">What to do each time that it was asked.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task WaitArchivedAsync(long events, Action look, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (await Database.AskAsync("SELECT coalesce(sum(last_offset), 0) FROM sse.logs", cancellationToken) is var archived && archived < events)
        {
            look();
            if (Stopwatch.GetElapsedTime(started) > s_archiveLimit)
            {
                throw new BenchException($"{archived} of {events} events were archived within {s_archiveLimit.TotalSeconds:0} s.");
            }

            await Task.Delay(s_poll, TimeProvider.System, cancellationToken);
        }
    }

    public async Task EndAsync()
    {
        await StopAsync();
        await Database.DeleteAsync();
        _operators.Dispose();
    }

    private static string Core(int core) => core.ToString(CultureInfo.InvariantCulture);

    private async Task<MeasuredService> StartReplicaAsync(string name, int redis, CancellationToken cancellationToken, params (string Name, string Value)[] settings)
    {
        var port = Workspace.FreePort();
        var process = await StartServiceAsync(name, "SseApp.Events", port, cancellationToken, [.. OursSubject.Environment(port, redis), ("Cluster__KeyPrefix", name), .. settings]);
        return new MeasuredService(Target.Ours(Target.Local(port)), process.Id);
    }
}

/// <param name="Target">Where it answers.</param>
/// <param name="Process">Its id.</param>
internal sealed record MeasuredService(Target Target, int Process);
