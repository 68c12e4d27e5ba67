using System.Net.Http.Headers;
using SseApp.ServiceDefaults.Defaults.Admin;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Bench.Soak;

/// <summary>Redis, replicas and a gateway as processes, and what each of them holds.</summary>
internal sealed class SoakCluster(Workspace workspace) : Subject(workspace, cores: null)
{
    private readonly List<Watched> _watched = [];
    private AdminKey _key = null!;

    public override string Name => "soak";

    public override string Description => "SseApp.Events behind SseApp.Gateway";

    public override string? Missing() => RedisMissing;

    public override async Task<Target> StartAsync(int workers, CancellationToken cancellationToken)
    {
        var redis = await StartRedisAsync(cancellationToken);
        _key = AdminKeyFile.ReadOrCreate(Path.Combine(Workspace.FreshDirectory("soak.keys"), "admin.key"));
        for (var index = 1; index <= workers; index++)
        {
            await StartAsync($"replica-{index}", "SseApp.Events", MetricNames.ActiveConnections, Workspace.FreePort(), redis, cancellationToken);
        }

        var port = Workspace.FreePort();
        await StartAsync("gateway", "SseApp.Gateway", MetricNames.GatewayActiveStreams, port, redis, cancellationToken);
        return Target.Ours(Target.Local(port));
    }

    public async Task<IReadOnlyList<SoakSample>> SampleAsync(CancellationToken cancellationToken)
    {
        var samples = new List<SoakSample>();
        foreach (var watched in _watched)
        {
            var page = await watched.Operator.GetStringAsync("/metrics", cancellationToken);
            using var process = Process.GetProcessById(watched.Id);
            samples.Add(new SoakSample(
                watched.Name,
                ProcessTree.Of([watched.Id]).ResidentKiB() / 1024d,
                MetricsPage.Sum(page, "dotnet_gc_last_collection_memory_committed_size_bytes") / Mebi,
                MetricsPage.Sum(page, "dotnet_gc_last_collection_heap_size_bytes") / Mebi,
                Directory.EnumerateFileSystemEntries($"/proc/{watched.Id}/fd").Count(),
                process.Threads.Count,
                MetricsPage.Sum(page, watched.Gauge)));
        }

        return samples;
    }

    public void Close() => _watched.ForEach(static watched => watched.Operator.Dispose());

    private const double Mebi = 1024 * 1024;

    private async Task StartAsync(string name, string project, string gauge, int port, int redis, CancellationToken cancellationToken)
    {
        var admin = Target.Local(Workspace.FreePort());
        var process = await StartServiceAsync(
            name,
            project,
            port,
            cancellationToken,
            [
                ("ASPNETCORE_URLS", $"http://127.0.0.1:{port}"),
                ("OTEL_RESOURCE_ATTRIBUTES", $"service.instance.id={name}"),
                .. OursSubject.Cluster(redis),
                ("Admin__Urls", admin.AbsoluteUri),
                ("Admin__KeyFile", _key.File),
                ("Limits__StreamsPerAddress", "0"),
                ("Limits__ConnectsPerSecond", "0"),
            ]);
        var client = new HttpClient { BaseAddress = admin };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _key.Text);
        _watched.Add(new Watched(name, process.Id, gauge, client));
    }

    private sealed record Watched(string Name, int Id, string Gauge, HttpClient Operator);
}

/// <summary>What a process holds.</summary>
/// <param name="Process">Its name.</param>
/// <param name="Resident">MiB in memory.</param>
/// <param name="Committed">Of these, MiB that the collector has taken from the system.</param>
/// <param name="Heap">Of these, MiB in use after the last collection.</param>
/// <param name="Files">Open files.</param>
/// <param name="Threads">Threads.</param>
/// <param name="Streams">What its gauge says.</param>
internal sealed record SoakSample(string Process, double Resident, double Committed, double Heap, int Files, int Threads, double Streams);
