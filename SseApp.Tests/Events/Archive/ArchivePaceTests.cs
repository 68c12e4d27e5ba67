using System.Diagnostics.Metrics;
using SseApp.Events.Archive;
using SseApp.Events.Diagnostics;
using SseApp.ServiceDefaults.Cluster.Leases;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Telemetry;
using StackExchange.Redis;

namespace SseApp.Tests.Events.Archive;

/// <summary>Whoever publishes waits as long as Redis and the replica are busy with what an archiver reads at once.</summary>
public sealed class ArchivePaceTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private const int Shard = 1;
    private const int Topics = 40;
    private const int Events = 3;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private static readonly IOptions<TopicLogOptions> s_logOptions = Options.Create(new TopicLogOptions { ArchivedFor = static _ => TimeSpan.FromDays(30) });

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_shard_in_its_turn_is_read_few_logs_at_a_time_with_pauses()
    {
        var (most, rounds) = await ArchiveAsync(isUrgent: false);
        Assert.InRange(most, 1, 4);
        Assert.Equal(1, rounds);
    }

    [Fact]
    public async Task What_must_not_wait_is_read_at_once()
    {
        var (most, rounds) = await ArchiveAsync(isUrgent: true);
        Assert.Equal(Topics, most);
        Assert.Equal(1, rounds);
    }

    [Fact]
    public async Task However_long_a_round_takes_nobody_waits_for_less_than_nothing()
    {
        await redis.RequireAsync();
        await using var connection = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var cluster = Options.Create(new ClusterOptions { KeyPrefix = $"pace{Guid.NewGuid():n}" });
        using var stored = new RedisTopicLog(connection, cluster, s_logOptions, TimeProvider.System, NullLogger<RedisTopicLog>.Instance);
        var time = new RunningTime();
        using var archiver = Create(
            connection, services, cluster, new MemoryArchive(TimeProvider.System), stored, new ArchiveShards(connection, cluster), Options.Create(new ArchiveOptions { Mode = ArchiveMode.PostgreSql }), time);
        // Whenever it looks at the clock, some of a round has passed.
        for (var step = 20; step <= 400; step++)
        {
            time.Step = TimeSpan.FromMilliseconds(step / 10.0);
            Assert.InRange(await archiver.RunOnceAsync(Cancelled, all: false), TimeSpan.Zero, TimeSpan.FromSeconds(1));
        }
    }

    private static Archiver Create(
        ConnectionMultiplexer connection, IServiceProvider services, IOptions<ClusterOptions> cluster, MemoryArchive archive, ITopicLog log, ArchiveShards shards, IOptions<ArchiveOptions> options, TimeProvider time)
    {
        var leases = new RedisLeases(connection, cluster, new SignedRecords(ClusterKey.Records, ClusterKey.Forged(), NullLogger<SignedRecords>.Instance), TimeProvider.System);
        var metrics = new ArchiveMetrics(new SseMeter(services.GetRequiredService<IMeterFactory>()));
        return new Archiver(archive, log, shards, leases, new InMemoryReplicaRegistry(), metrics, options, s_logOptions, time, NullLogger<Archiver>.Instance);
    }

    /// <summary>Archives topics of one shard that have new events.</summary>
    /// <returns>The most logs that were read at once, and in how many rounds all of it was archived.</returns>
    private async Task<(int Most, int Rounds)> ArchiveAsync(bool isUrgent)
    {
        await redis.RequireAsync();
        await using var connection = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var options = Options.Create(new ArchiveOptions { Mode = ArchiveMode.PostgreSql });
        var cluster = Options.Create(new ClusterOptions { KeyPrefix = $"pace{Guid.NewGuid():n}" });
        using var stored = new RedisTopicLog(connection, cluster, s_logOptions, TimeProvider.System, NullLogger<RedisTopicLog>.Instance);
        var log = new CountedLog(stored, together: isUrgent ? Topics : 1);
        var archive = new MemoryArchive(TimeProvider.System);
        var shards = new ArchiveShards(connection, cluster);
        using var archiver = Create(connection, services, cluster, archive, log, shards, options, time);
        string[] topics = [.. Enumerable.Range(0, 100 * Topics).Select(i => $"pace.{i}").Where(topic => ArchiveShards.Of(topic) == Shard).Take(Topics)];
        // Takes the shards; the turn of the first one is now, that of the second one a sixteenth of the interval later.
        await archiver.RunOnceAsync(Cancelled, all: false);
        var logs = new List<ArchivedLog>();
        foreach (var topic in topics)
        {
            for (var i = 0; i < Events; i++)
            {
                var position = (await stored.AppendAsync(topic, "data: x\n\n"u8.ToArray(), null)).Position;
                if (i == 0)
                {
                    logs.Add(new ArchivedLog(topic, position.Epoch));
                }
            }
        }

        await shards.HintAsync(topics, isUrgent);
        var rounds = 0;
        while (Array.Exists(await archive.GetEndsAsync(logs, Cancelled), end => end.Offset < Events))
        {
            // For urgent topics it asks each second.
            time.Advance(isUrgent ? TimeSpan.FromSeconds(1) : options.Value.Interval / ArchiveShards.Count);
            rounds++;
            var round = archiver.RunOnceAsync(Cancelled, all: false);
            await Eventually.Async(
                () =>
                {
                    time.Advance(TimeSpan.FromMilliseconds(10));
                    return round.IsCompleted;
                },
                s_limit,
                "the archiver's round");
            await round;
        }

        return (log.Most, rounds);
    }

    /// <summary>Goes on whenever somebody looks.</summary>
    private sealed class RunningTime : TimeProvider
    {
        private long _now;

        public TimeSpan Step { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Add(ref _now, Step.Ticks);
    }

    /// <summary>Counts how many logs are read at once.</summary>
    /// <param name="log">Where they are read.</param>
    /// <param name="together">So many are to be: none of the first is answered before all of them are asked for.</param>
    private sealed class CountedLog(ITopicLog log, int together) : ITopicLog
    {
        private readonly Lock _gate = new();
        private readonly TaskCompletionSource _together = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _now;

        public event EventHandler? Restored
        {
            add => log.Restored += value;
            remove => log.Restored -= value;
        }

        public int Most { get; private set; }

        public async Task<LogPage> ReadAsync(string topic, long after, int maxEvents, int maxBytes)
        {
            lock (_gate)
            {
                Most = Math.Max(Most, ++_now);
                if (_now >= together)
                {
                    _together.TrySetResult();
                }
            }

            await _together.Task;
            var page = await log.ReadAsync(topic, after, maxEvents, maxBytes);
            lock (_gate)
            {
                _now--;
            }

            return page;
        }

        public Task<AppendResult> AppendAsync(string topic, ReadOnlyMemory<byte> block, string? idempotencyKey, string? key = null) => log.AppendAsync(topic, block, idempotencyKey, key);

        public Task<LogEnd> GetEndAsync(string topic) => log.GetEndAsync(topic);

        public Task<Epoch?> DeleteAsync(string topic) => log.DeleteAsync(topic);

        public Task<ErasedEvents> EraseAsync(string topic, string key) => log.EraseAsync(topic, key);

        public Task MarkArchivedAsync(string topic, Position archived, bool dropEvents) => log.MarkArchivedAsync(topic, archived, dropEvents);

        public Task<long> CountUnarchivedAsync(string topic) => log.CountUnarchivedAsync(topic);

        public Task FenceAsync(string topic, Epoch epoch) => log.FenceAsync(topic, epoch);

        public Task<long> CountSubscribedReplicasAsync(string topic) => log.CountSubscribedReplicasAsync(topic);

        public Task<IAsyncDisposable> SubscribeAsync(string topic, Action<LogEntry> onEvent) => log.SubscribeAsync(topic, onEvent);
    }
}
