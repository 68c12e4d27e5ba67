using System.Diagnostics.Metrics;
using Npgsql;
using SseApp.Events.Archive;
using SseApp.Events.Archive.PostgreSql;
using SseApp.Events.Diagnostics;
using SseApp.ServiceDefaults.Defaults.Telemetry;
using StackExchange.Redis;

namespace SseApp.Tests.Events.Archive;

/// <summary>Replicas of one cluster, or of two, with one database.</summary>
public sealed class ArchiveClusterWatchTests(RedisServer redis, PostgresServer postgres) : IClassFixture<RedisServer>, IAsyncLifetime
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly string _name = $"watch{Guid.NewGuid():n}";
    private ConnectionMultiplexer _redis = null!;
    private NpgsqlDataSource _source = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await redis.RequireAsync();
        _redis = await redis.ConnectAsync();
        _source = PostgresSource.Create(await postgres.RequireAsync("archive_watch"));
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        if (_source is not null)
        {
            await _source.DisposeAsync();
            await _redis.DisposeAsync();
        }
    }

    [Fact]
    public async Task Clusters_that_write_to_the_same_database_say_so_until_one_of_them_ends()
    {
        var (first, second) = (Start("a"), Start("b"));

        await LookAsync(5, first, second);

        foreach (var replica in new[] { first, second })
        {
            var health = await HealthAsync(replica);
            Assert.Equal(HealthStatus.Degraded, health.Status);
            Assert.Contains("Another cluster writes to this database", health.Description, StringComparison.Ordinal);
        }

        await LookAsync(7, first);
        Assert.Equal(HealthStatus.Healthy, (await HealthAsync(first)).Status);
    }

    [Fact]
    public async Task Replicas_of_one_cluster_are_no_other_cluster_and_neither_is_their_Redis_that_lost_its_data()
    {
        var (first, second) = (Start("a"), Start("a"));
        await LookAsync(5, first, second);
        Assert.False(first.Metrics.IsShared || second.Metrics.IsShared);

        for (var i = 0; i < 3; i++)
        {
            // Whatever else may be in its place.
            await _redis.GetDatabase().KeyDeleteAsync(Key("a"));
            await (i == 1 ? _redis.GetDatabase().StringSetAsync(Key("a"), "no name") : _redis.GetDatabase().SetAddAsync(Key("a"), i));
            await LookAsync(5, first, second);
            Assert.False(first.Metrics.IsShared || second.Metrics.IsShared);
        }

        Assert.Equal(HealthStatus.Healthy, (await HealthAsync(first)).Status);
        Assert.Equal(4, await postgres.Node.AskAsync<long>("archive_watch", $"SELECT count(*) FROM sse.clusters WHERE id IN ('{string.Join("','", first.Names)}')"));
    }

    private string Key(string cluster) => $"{_name}{cluster}:{{archive}}:cluster";

    private async Task LookAsync(int times, params Replica[] replicas)
    {
        for (var i = 0; i < times; i++)
        {
            foreach (var replica in replicas)
            {
                await replica.Watch.LookAsync(Cancelled);
                replica.Names.Add((await _redis.GetDatabase().StringGetAsync(Key(replica.Cluster))).ToString());
            }

            _time.Advance(TimeSpan.FromSeconds(5));
        }
    }

    private Task<HealthCheckResult> HealthAsync(Replica replica) => new ArchiveHealthCheck(Open(), replica.Metrics, Options.Create(new ArchiveOptions()), TimeProvider.System).CheckHealthAsync(new HealthCheckContext(), Cancelled);

    private PostgresArchive Open() => new(_source, TimeProvider.System, NullLogger<PostgresArchive>.Instance);

    private Replica Start(string cluster)
    {
        var metrics = new ArchiveMetrics(new SseMeter(_services.GetRequiredService<IMeterFactory>()));
        var options = Options.Create(new ClusterOptions { KeyPrefix = _name + cluster });
        return new Replica(cluster, new ArchiveClusterWatch(Open(), _redis, options, metrics, _time, NullLogger<ArchiveClusterWatch>.Instance), metrics);
    }

    private sealed record Replica(string Cluster, ArchiveClusterWatch Watch, ArchiveMetrics Metrics)
    {
        public HashSet<string> Names { get; } = new(StringComparer.Ordinal);
    }
}
