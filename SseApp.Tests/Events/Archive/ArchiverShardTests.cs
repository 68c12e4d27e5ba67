using System.Diagnostics.Metrics;
using Npgsql;
using SseApp.Events.Archive;
using SseApp.Events.Archive.PostgreSql;
using SseApp.Events.Diagnostics;
using SseApp.ServiceDefaults.Cluster.Leases;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Telemetry;
using StackExchange.Redis;

namespace SseApp.Tests.Events.Archive;

/// <summary>Two replicas that archive on one Redis and one PostgreSQL, of which one or both cannot reach the database.</summary>
public sealed class ArchiverShardTests(RedisServer redis, PostgresServer postgres) : IClassFixture<RedisServer>, IAsyncLifetime
{
    private const int Half = ArchiveShards.Count / 2;

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly InMemoryReplicaRegistry _registry = new();
    private readonly IOptions<ClusterOptions> _cluster = Options.Create(new ClusterOptions { KeyPrefix = $"shards{Guid.NewGuid():n}" });
    private readonly IOptions<TopicLogOptions> _logOptions = Options.Create(new TopicLogOptions { ArchivedFor = static _ => TimeSpan.FromDays(30) });
    private ConnectionMultiplexer _redis = null!;
    private NpgsqlDataSource _source = null!;
    private RedisTopicLog _log = null!;
    private ArchiveShards _shards = null!;
    private Replica _first = null!;
    private Replica _second = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await redis.RequireAsync();
        _redis = await redis.ConnectAsync();
        _source = PostgresSource.Create(await postgres.RequireAsync("archive_shards"));
        _log = new RedisTopicLog(_redis, _cluster, _logOptions, _time, NullLogger<RedisTopicLog>.Instance);
        _shards = new ArchiveShards(_redis, _cluster);
        (_first, _second) = (Start("first"), Start("second"));
        await RoundsAsync(3);
        Assert.Equal((Half, Half), (_first.Shards, _second.Shards));
    }

    public async ValueTask DisposeAsync()
    {
        _first?.Archiver.Dispose();
        _second?.Archiver.Dispose();
        _log?.Dispose();
        await _services.DisposeAsync();
        if (_source is not null)
        {
            await _source.DisposeAsync();
        }

        if (_redis is not null)
        {
            await _redis.DisposeAsync();
        }
    }

    [Fact]
    public async Task One_that_alone_cannot_reach_the_database_leaves_its_shards_to_the_other_until_it_can()
    {
        _first.Archive.IsCut = true;
        var topics = await PublishAsync();
        await RoundsAsync(5);
        Assert.Equal((Half, Half), (_first.Shards, _second.Shards));
        Assert.NotNull(_first.Metrics.Problem);
        Assert.NotEqual(0, _first.Metrics.LagEvents);

        await RoundsAsync(15);

        Assert.Equal((0, ArchiveShards.Count), (_first.Shards, _second.Shards));
        Assert.NotNull(_first.Metrics.Problem);
        Assert.Equal((0, 0), (_first.Metrics.LagEvents, _second.Metrics.LagEvents));
        Assert.All(await EndsAsync(topics), end => Assert.Equal(1, end.Offset));

        _first.Archive.IsCut = false;
        await RoundsAsync(5);
        Assert.Equal((Half, Half), (_first.Shards, _second.Shards));
        Assert.Null(_first.Metrics.Problem);
    }

    [Fact]
    public async Task When_none_can_reach_it_each_keeps_its_own_and_counts_what_waits()
    {
        // The one of them that has nothing to write must find out as well.
        _first.Archive.IsCut = _second.Archive.IsCut = true;
        var topics = await PublishAsync();
        await RoundsAsync(3);
        var owners = await OwnersAsync();

        await RoundsAsync(30);

        Assert.Equal(owners, await OwnersAsync());
        Assert.Equal(topics.Length, _first.Metrics.LagEvents + _second.Metrics.LagEvents);
        Assert.All([_first, _second], replica => Assert.True(replica.Metrics.LagSeconds() > 60, $"{replica.Name} counts {replica.Metrics.LagSeconds()} s."));
        Assert.All([_first, _second], replica => Assert.NotNull(replica.Metrics.Problem));

        _first.Archive.IsCut = _second.Archive.IsCut = false;
        await RoundsAsync(5);
        Assert.Equal(owners, await OwnersAsync());
        Assert.All(await EndsAsync(topics), end => Assert.Equal(1, end.Offset));
    }

    [Fact]
    public async Task One_without_anything_to_write_knows_that_it_cannot_reach_the_database()
    {
        _second.Archive.IsCut = true;

        await RoundsAsync(2);

        Assert.NotNull(_second.Metrics.Problem);
        Assert.Null(_first.Metrics.Problem);
    }

    [Fact]
    public async Task One_whose_writes_are_refused_keeps_its_shards_because_they_would_be_refused_to_the_other_as_well()
    {
        _first.Archive.IsFull = true;
        await PublishAsync();

        await RoundsAsync(30);

        Assert.Equal((Half, Half), (_first.Shards, _second.Shards));
        Assert.NotNull(_first.Metrics.Problem);
        Assert.True(_first.Metrics.LagSeconds() >= 60, $"It counts {_first.Metrics.LagSeconds()} s.");
    }

    [Fact]
    public async Task One_that_stops_archives_what_waits_in_its_shards_however_much_it_is()
    {
        var topics = await PublishAsync();
        // More than one round takes of a topic, and more topics than it takes of a shard.
        for (var i = 0; i < 2_500; i++)
        {
            await _log.AppendAsync(topics[0], "data: 2\n\n"u8.ToArray(), null);
        }

        string[] many = [.. Enumerable.Range(0, 20_000).Select(i => $"{_cluster.Value.KeyPrefix}-many-{i}").Where(topic => ArchiveShards.Of(topic) == 3).Take(ArchiveShards.MaxTopics + 10)];
        await Task.WhenAll(many.Select(topic => _log.AppendAsync(topic, "data: 3\n\n"u8.ToArray(), null)));
        await _shards.HintAsync(many);

        // The other one is said to be ready, and may have died a moment ago.
        await _first.Archiver.StopAsync(Cancelled);
        await _second.Archiver.StopAsync(Cancelled);

        Assert.Equal([2_501, .. Enumerable.Repeat(1L, topics.Length - 1)], (await EndsAsync(topics)).Select(end => end.Offset));
        Assert.All(await EndsAsync(many), end => Assert.Equal(1, end.Offset));
    }

    [Fact]
    public async Task One_that_stops_without_a_database_does_so_within_its_time()
    {
        await PublishAsync();
        _first.Archive.IsCut = true;
        await ReportAsync(_first, ReplicaState.Draining);
        await ReportAsync(_second, ReplicaState.Draining);

        await _first.Archiver.StopAsync(Cancelled).WaitAsync(TimeSpan.FromSeconds(30), Cancelled);
    }

    /// <summary>An event on a topic of each shard.</summary>
    private async Task<string[]> PublishAsync()
    {
        string[] topics = [.. Enumerable.Range(0, 1_000).Select(i => $"{_cluster.Value.KeyPrefix}-{i}").GroupBy(ArchiveShards.Of).Select(shard => shard.First())];
        Assert.Equal(ArchiveShards.Count, topics.Length);
        foreach (var topic in topics)
        {
            await _log.AppendAsync(topic, "data: 1\n\n"u8.ToArray(), null);
        }

        await _shards.HintAsync(topics);
        return topics;
    }

    /// <summary>Rounds of both, two seconds apart; after each a replica says how it is.</summary>
    private async Task RoundsAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(2));
            foreach (var replica in new[] { _first, _second })
            {
                await replica.Archiver.RunOnceAsync(Cancelled);
                await ReportAsync(replica);
            }
        }
    }

    private Task ReportAsync(Replica replica, ReplicaState state = ReplicaState.Ready) => _registry.WriteAsync(
        new ReplicaRecord { Id = replica.Name, Address = new Uri("http://replica.test"), State = state, Archive = replica.Metrics.Report() }, announce: false, Cancelled);

    private async Task<string[]> OwnersAsync()
    {
        var leases = await _redis.GetDatabase().StringGetAsync([.. Enumerable.Range(0, ArchiveShards.Count).Select(shard => (RedisKey)$"{{{_cluster.Value.KeyPrefix}:leases}}:{ArchiveShards.LeaseOf(shard)}")]);
        return [.. leases.Select(lease => lease.ToString().Split('"').First(part => Guid.TryParseExact(part, "N", out _)))];
    }

    private async Task<ArchiveEnd[]> EndsAsync(string[] topics)
    {
        var logs = await Task.WhenAll(topics.Select(async topic => new ArchivedLog(topic, (await _log.GetEndAsync(topic)).Position.Epoch)));
        return await new PostgresArchive(_source, TimeProvider.System, NullLogger<PostgresArchive>.Instance).GetEndsAsync(logs, Cancelled);
    }

    private Replica Start(string name)
    {
        var archive = new FaultyArchive(new PostgresArchive(_source, TimeProvider.System, NullLogger<PostgresArchive>.Instance), new HashSet<Position>());
        var metrics = new ArchiveMetrics(new SseMeter(_services.GetRequiredService<IMeterFactory>()));
        var leases = new RedisLeases(_redis, _cluster, new SignedRecords(ClusterKey.Records, ClusterKey.Forged(), NullLogger<SignedRecords>.Instance), TimeProvider.System);
        var options = Options.Create(new ArchiveOptions { Mode = ArchiveMode.PostgreSql });
        var archiver = new Archiver(archive, _log, _shards, leases, _registry, metrics, options, _logOptions, _time, NullLogger<Archiver>.Instance);
        metrics.LagSeconds = archiver.LagSeconds;
        return new Replica(name, archiver, archive, metrics);
    }

    private sealed record Replica(string Name, Archiver Archiver, FaultyArchive Archive, ArchiveMetrics Metrics)
    {
        public int Shards => Metrics.Shards;
    }
}
