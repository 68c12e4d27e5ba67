using Microsoft.Extensions.Logging.Testing;
using SseApp.ServiceDefaults.Cluster.Signing;
using StackExchange.Redis;

namespace SseApp.Tests.ServiceDefaults.Cluster.Replicas;

public abstract class ReplicaRegistryTests(BackplaneServer server)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task What_is_written_is_read_until_it_expires()
    {
        await using var redis = await server.ConnectAsync();
        var registry = Create(redis, expiry: TimeSpan.FromMilliseconds(500));
        var record = Record("b");
        await registry.WriteAsync(record, announce: false, TestContext.Current.CancellationToken);
        await registry.WriteAsync(Record("a"), announce: false, TestContext.Current.CancellationToken);

        var read = await registry.ReadAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["a", "b"], read.Select(live => live.Id));
        Assert.Equal(record, read[1]);

        await Eventually.Async(
            async () => (await registry.ReadAsync(TestContext.Current.CancellationToken)).Count == 0, s_limit, "both records to expire");
    }

    /// <summary>As a clock is by NTP, or that of a machine that was asleep.</summary>
    [Fact]
    public async Task A_clock_that_was_ahead_and_is_set_right_hides_no_replica()
    {
        await using var redis = await server.ConnectAsync();
        var prefix = Guid.NewGuid().ToString("N");
        var clock = new SetClock { Ahead = TimeSpan.FromHours(2) };
        var registry = ClusterKey.Registry(redis, prefix, TimeSpan.FromMinutes(1), time: clock);
        await registry.WriteAsync(Record("a"), announce: false, TestContext.Current.CancellationToken);
        Assert.Single(await registry.ReadAsync(TestContext.Current.CancellationToken));

        clock.Ahead = TimeSpan.Zero;
        await registry.WriteAsync(Record("a"), announce: false, TestContext.Current.CancellationToken);
        Assert.Single(await registry.ReadAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_record_of_another_version_hides_no_other()
    {
        await using var redis = await server.ConnectAsync();
        var prefix = Guid.NewGuid().ToString("N");
        var logger = new FakeLogger<SignedRecords>();
        var registry = Create(redis, TimeSpan.FromMinutes(1), prefix, logger);
        await registry.WriteAsync(Record("a"), announce: false, TestContext.Current.CancellationToken);
        await registry.WriteAsync(Record("newer"), announce: false, TestContext.Current.CancellationToken);
        foreach (var connections in new[] { 9, 10, 111 })
        {
            var key = $"{{{prefix}:replicas}}:newer";
            await redis.GetDatabase().StringSetAsync(
                key, ClusterKey.Records.Sign("record", key, $$"""{"id":"newer","connections":{{connections}},"state":"hibernating"}"""));
            var read = await registry.ReadAsync(TestContext.Current.CancellationToken);
            Assert.Equal(["a"], read.Select(live => live.Id));
        }

        // Read once a second, it is reported once, with the replica's name.
        Assert.Contains("newer", Assert.Single(logger.Collector.GetSnapshot()).Message, StringComparison.Ordinal);

        await registry.WriteAsync(Record("newer"), announce: false, TestContext.Current.CancellationToken);
        Assert.Equal(2, (await registry.ReadAsync(TestContext.Current.CancellationToken)).Count);
    }

    [Fact]
    public async Task Whatever_lies_under_a_replicas_key_hides_no_other_and_is_counted()
    {
        await using var redis = await server.ConnectAsync();
        var database = redis.GetDatabase();
        var prefix = Guid.NewGuid().ToString("N");
        var forged = ClusterKey.Forged();
        var registry = ClusterKey.Registry(redis, prefix, TimeSpan.FromMinutes(1), forged: forged);
        await registry.WriteAsync(Record("a"), announce: false, TestContext.Current.CancellationToken);
        foreach (var name in ForeignValues.Names)
        {
            await ForeignValues.PutAsync(database, $"{{{prefix}:replicas}}:{name}", name);
            await database.SetAddAsync($"{{{prefix}:replicas}}", [name, new byte[] { 0xff, 0xfe }]);
        }

        Assert.Equal(["a"], (await registry.ReadAsync(TestContext.Current.CancellationToken)).Select(live => live.Id));
        Assert.Equal(ForeignValues.Names.Length, forged.Total);
    }

    [Fact]
    public async Task The_set_of_replicas_comes_back_whatever_takes_its_place_and_hides_no_known_one_meanwhile()
    {
        await using var redis = await server.ConnectAsync();
        var database = redis.GetDatabase();
        var prefix = Guid.NewGuid().ToString("N");
        RedisKey ids = $"{{{prefix}:replicas}}";
        var forged = ClusterKey.Forged();
        var registry = ClusterKey.Registry(redis, prefix, TimeSpan.FromMinutes(1), forged: forged);
        await registry.WriteAsync(Record("a"), announce: false, TestContext.Current.CancellationToken);
        await registry.WriteAsync(Record("b"), announce: false, TestContext.Current.CancellationToken);
        Assert.Equal(2, (await registry.ReadAsync(TestContext.Current.CancellationToken)).Count);
        foreach (var name in ForeignValues.Names.Except(["set"]))
        {
            await ForeignValues.PutAsync(database, ids, name);
            Assert.Equal(["a", "b"], (await registry.ReadAsync(TestContext.Current.CancellationToken)).Select(live => live.Id));
            await registry.WriteAsync(Record("a"), announce: false, TestContext.Current.CancellationToken);
            Assert.Equal(["a", "b"], (await registry.ReadAsync(TestContext.Current.CancellationToken)).Select(live => live.Id));
            Assert.Equal(RedisType.Set, await database.KeyTypeAsync(ids));
            await registry.RemoveAsync("c", TestContext.Current.CancellationToken);
        }

        Assert.True(forged.Total >= ForeignValues.Names.Length - 1);
    }

    [Fact]
    public async Task Changes_are_announced_in_order_and_heartbeats_are_not()
    {
        await using var redis = await server.ConnectAsync();
        var registry = Create(redis, expiry: TimeSpan.FromMinutes(1));
        var changes = registry.WatchAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var first = changes.MoveNextAsync().AsTask();
        await Eventually.Async(
            async () =>
            {
                await registry.WriteAsync(Record("a"), announce: true, TestContext.Current.CancellationToken);
                return first.IsCompleted;
            },
            s_limit,
            "the first announcement");

        await registry.WriteAsync(Record("a") with { Connections = 9 }, announce: false, TestContext.Current.CancellationToken);
        await registry.WriteAsync(Record("a") with { State = ReplicaState.Draining }, announce: true, TestContext.Current.CancellationToken);
        await registry.RemoveAsync("a", TestContext.Current.CancellationToken);

        var seen = new List<ReplicaState?> { changes.Current.Record?.State };
        while (seen[^1] is not null)
        {
            Assert.True(await changes.MoveNextAsync().AsTask().WaitAsync(s_limit, TestContext.Current.CancellationToken));
            Assert.NotEqual(9, changes.Current.Record?.Connections);
            seen.Add(changes.Current.Record?.State);
        }

        Assert.Equal([ReplicaState.Draining, null], seen.SkipWhile(state => state == ReplicaState.Ready));
        Assert.Empty(await registry.ReadAsync(TestContext.Current.CancellationToken));
        await changes.DisposeAsync();
    }

    private static RedisReplicaRegistry Create(IConnectionMultiplexer redis, TimeSpan expiry, string? prefix = null, ILogger<SignedRecords>? logger = null) =>
        ClusterKey.Registry(redis, prefix ?? Guid.NewGuid().ToString("N"), expiry, logger);

    private static ReplicaRecord Record(string id) => new()
    {
        Id = id,
        Address = new Uri($"http://{id}.example:8080"),
        State = ReplicaState.Ready,
        Connections = 5,
        Weight = 2,
        Backup = true,
        WorkingSetBytes = 1_000,
        StartedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        Version = "1.2.3",
    };

    private sealed class SetClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }
}

public sealed class RedisReplicaRegistryTests(RedisServer server) : ReplicaRegistryTests(server), IClassFixture<RedisServer>;

public sealed class GarnetReplicaRegistryTests(GarnetServer server) : ReplicaRegistryTests(server), IClassFixture<GarnetServer>;
