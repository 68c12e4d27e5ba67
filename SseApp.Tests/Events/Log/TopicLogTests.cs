using SseApp.ServiceDefaults.Cluster.Signing;
using StackExchange.Redis;

namespace SseApp.Tests.Events.Log;

/// <summary>What every server that carries the topic log must do; one subclass for each.</summary>
public abstract class TopicLogTests(BackplaneServer server)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    protected BackplaneServer Server => server;

    [Fact]
    public async Task Offsets_are_contiguous_and_the_channel_has_the_order_of_the_log()
    {
        await using var redis = await Server.ConnectAsync();
        var log = Create(redis, maxEvents: 1_000);
        var topic = NewTopic();
        var live = new ConcurrentQueue<LogEntry>();
        await using var subscription = await log.SubscribeAsync(topic, live.Enqueue);

        var results = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => log.AppendAsync(topic, Block($"{i}"), null)));

        await Eventually.Async(() => live.Count == 500, s_limit, "500 events on the channel");
        Assert.Equal(Enumerable.Range(1, 500).Select(i => (long)i), live.Select(entry => entry.Position.Offset));
        Assert.Single(results.Select(result => result.Position.Epoch).Distinct());
        var byOffset = live.ToDictionary(entry => entry.Position.Offset, entry => Encoding.UTF8.GetString(entry.Block.Span));
        for (var i = 0; i < results.Length; i++)
        {
            Assert.Equal($"data: {i}\n\n", byOffset[results[i].Position.Offset]);
        }
    }

    [Fact]
    public async Task Replicas_that_publish_at_once_share_one_order_and_one_epoch()
    {
        const int Replicas = 4;
        const int Rounds = 25;
        await using var watcher = await Server.ConnectAsync();
        var topics = Enumerable.Range(0, 40).Select(_ => NewTopic()).ToArray();
        var live = topics.ToDictionary(topic => topic, _ => new ConcurrentQueue<LogEntry>());
        var watching = Create(watcher, maxEvents: 1_000);
        foreach (var topic in topics)
        {
            await watching.SubscribeAsync(topic, live[topic].Enqueue);
        }

        ConnectionMultiplexer[] replicas = await Task.WhenAll(Enumerable.Range(0, Replicas).Select(_ => Server.ConnectAsync()));
        try
        {
            var results = await Task.WhenAll(replicas.Select(redis => Task.Run(() => PublishAsync(Create(redis, maxEvents: 1_000)))));

            foreach (var topic in topics)
            {
                var positions = results.SelectMany(result => result[topic]).ToList();
                Assert.Single(positions.Select(position => position.Epoch).Distinct());
                Assert.Equal(Enumerable.Range(1, Replicas * Rounds), positions.Select(position => (int)position.Offset).Order());
                // ReadAsync answers with a gap for an entry that is not in its place.
                var page = await watching.ReadAsync(topic, 0, 1_000, 1_000_000);
                Assert.Equal(Enumerable.Range(1, Replicas * Rounds), Offsets(page));
                Assert.DoesNotContain(page.Entries, entry => entry.GapReason is not null);
                await Eventually.Async(() => live[topic].Count >= Replicas * Rounds, s_limit, "all events on the channel");
                Assert.Equal(Enumerable.Range(1, Replicas * Rounds), live[topic].Select(entry => (int)entry.Position.Offset));
            }
        }
        finally
        {
            foreach (var redis in replicas)
            {
                await redis.DisposeAsync();
            }
        }

        async Task<Dictionary<string, List<Position>>> PublishAsync(RedisTopicLog log)
        {
            var stored = topics.ToDictionary(topic => topic, _ => new List<Position>());
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var (topic, task) in topics.Select(topic => (topic, log.AppendAsync(topic, Block($"{round}"), null))).ToList())
                {
                    stored[topic].Add((await task).Position);
                }
            }

            return stored;
        }
    }

    [Fact]
    public async Task The_log_keeps_only_the_newest_events()
    {
        await using var redis = await Server.ConnectAsync();
        var log = Create(redis, maxEvents: 10);
        var topic = NewTopic();
        Assert.Equal(0, (await log.ReadAsync(topic, after: 0, maxEvents: 0, maxBytes: 0)).Last);

        for (var i = 0; i < 25; i++)
        {
            await log.AppendAsync(topic, Block("x"), null);
        }

        var range = await log.ReadAsync(topic, after: 0, maxEvents: 0, maxBytes: 0);
        Assert.Equal((16, 25), (range.First, range.Last));
    }

    [Fact]
    public async Task The_log_keeps_only_the_newest_bytes_and_the_newest_event_whatever_its_size()
    {
        const int Most = 10_000;
        await using var redis = await Server.ConnectAsync();
        var log = Create(redis, maxEvents: 100, maxBytes: Most);
        var topic = NewTopic();
        for (var i = 1; i <= 50; i++)
        {
            await log.AppendAsync(topic, Block(new string('x', 1_000)), null);
        }

        var kept = await AssertCountedAsync(redis, topic);
        Assert.InRange(kept, Most - 1_100, Most);
        Assert.Equal(Enumerable.Range(42, 9), Offsets(await log.ReadAsync(topic, 0, 100, 1_000_000)));

        await log.AppendAsync(topic, Block(new string('x', 3 * Most)), null);
        Assert.Equal([51], Offsets(await log.ReadAsync(topic, 0, 100, 1_000_000)));
        await AssertCountedAsync(redis, topic);
        await log.AppendAsync(topic, Block("small"), null);
        Assert.Equal([52], Offsets(await log.ReadAsync(topic, 0, 100, 1_000_000)));

        // By number, now.
        for (var i = 0; i < 300; i++)
        {
            await log.AppendAsync(topic, Block("small"), null);
        }

        await AssertCountedAsync(redis, topic);
        Assert.Equal(Enumerable.Range(253, 100), Offsets(await log.ReadAsync(topic, 0, 1_000, 1_000_000)));
    }

    [Fact]
    public async Task What_an_earlier_version_wrote_without_counting_is_counted()
    {
        const int Most = 10_000;
        await using var redis = await Server.ConnectAsync();
        var database = redis.GetDatabase();
        var log = Create(redis, maxEvents: 1_000);
        var topic = NewTopic();
        for (var i = 0; i < 300; i++)
        {
            await log.AppendAsync(topic, Block($"{i}"), null);
        }

        await database.HashDeleteAsync($"sse:{{{topic}}}:counter", "size");
        await log.AppendAsync(topic, Block("new"), null);
        await AssertCountedAsync(redis, topic);

        // Side by side, as in a rolling update: an append, and a trim.
        await database.ListRightPushAsync($"sse:{{{topic}}}:log", $"2 {(await log.GetEndAsync(topic)).Position.Epoch} 302 0 0\ndata: old\n\n");
        await database.HashIncrementAsync($"sse:{{{topic}}}:counter", "offset");
        await log.AppendAsync(topic, Block("new"), null);
        await AssertCountedAsync(redis, topic);
        await database.ListTrimAsync($"sse:{{{topic}}}:log", -200, -1);
        await log.AppendAsync(topic, Block("new"), null);
        await AssertCountedAsync(redis, topic);

        await Create(redis, maxEvents: 1_000, maxBytes: Most).AppendAsync(topic, Block("new"), null);
        Assert.InRange(await AssertCountedAsync(redis, topic), Most - 200, Most);
    }

    private static async Task<long> AssertCountedAsync(ConnectionMultiplexer redis, string topic)
    {
        var entries = await redis.GetDatabase().ListRangeAsync($"sse:{{{topic}}}:log");
        var bytes = entries.Sum(entry => entry.Length());
        Assert.Equal($"{bytes} {entries.Length}", await redis.GetDatabase().HashGetAsync($"sse:{{{topic}}}:counter", "size"));
        return bytes;
    }

    [Fact]
    public async Task A_repeated_key_stores_once_and_answers_the_same()
    {
        await using var redis = await Server.ConnectAsync();
        var log = Create(redis, maxEvents: 10);
        var topic = NewTopic();

        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => log.AppendAsync(topic, Block("x"), "key-1")));

        Assert.Single(results, result => !result.Repeated);
        Assert.Single(results.Select(result => result.Position).Distinct());
        Assert.Equal(1, (await log.ReadAsync(topic, after: 0, maxEvents: 0, maxBytes: 0)).Last);
        Assert.False((await log.AppendAsync(topic, Block("x"), "key-2")).Repeated);
    }

    [Fact]
    public async Task A_topic_that_was_idle_for_too_long_begins_a_new_epoch()
    {
        await using var redis = await Server.ConnectAsync();
        var log = Create(redis, maxEvents: 10, idle: TimeSpan.FromSeconds(1));
        var topic = NewTopic();
        var before = await log.AppendAsync(topic, Block("x"), null);

        await Eventually.Async(async () => (await log.ReadAsync(topic, after: 0, maxEvents: 0, maxBytes: 0)).Last == 0, s_limit, "the log to expire");

        var after = await log.AppendAsync(topic, Block("x"), null);
        Assert.Equal(1, after.Position.Offset);
        Assert.NotEqual(before.Position.Epoch, after.Position.Epoch);
    }

    [Fact]
    public async Task Events_are_read_in_pages_from_any_offset()
    {
        await using var redis = await Server.ConnectAsync();
        var log = Create(redis, maxEvents: 100);
        var topic = NewTopic();
        Assert.Equal((default, 1, 0), Describe(await log.ReadAsync(topic, 0, 10, 1_000)));
        for (var i = 1; i <= 150; i++)
        {
            await log.AppendAsync(topic, Block($"{i}"), null);
        }

        var end = await log.GetEndAsync(topic);
        Assert.Equal(150, end.Position.Offset);
        Assert.Equal(Enumerable.Range(51, 100), Offsets(await log.ReadAsync(topic, 0, 1_000, 1_000_000)));
        Assert.Equal(Enumerable.Range(81, 50), Offsets(await log.ReadAsync(topic, 80, 50, 1_000_000)));
        Assert.Equal([81], Offsets(await log.ReadAsync(topic, 80, 50, 1)));
        Assert.Equal([81, 82], Offsets(await log.ReadAsync(topic, 80, 50, 150)));
        Assert.Empty(Offsets(await log.ReadAsync(topic, 150, 50, 1_000)));
        Assert.Empty(Offsets(await log.ReadAsync(topic, 1_000, 50, 1_000)));
        var page = await log.ReadAsync(topic, 149, 50, 1_000);
        Assert.Equal((end.Position.Epoch, 51, 150), Describe(page));
        Assert.Equal("data: 150\n\n", Encoding.UTF8.GetString(page.Entries[0].Block.Span));
    }

    [Fact]
    public async Task A_dropped_log_is_announced_and_begins_a_new_epoch()
    {
        await using var redis = await Server.ConnectAsync();
        var log = Create(redis, maxEvents: 100);
        var topic = NewTopic();
        Assert.Null(await log.DeleteAsync(topic));
        var live = new ConcurrentQueue<LogEntry>();
        await using var subscription = await log.SubscribeAsync(topic, live.Enqueue);
        var first = await log.AppendAsync(topic, Block("x"), null);

        Assert.NotNull(await log.DeleteAsync(topic));

        await Eventually.Async(() => live.Count == 2, s_limit, "the announcement");
        Assert.Equal(0, live.Last().Position.Offset);
        Assert.Equal(default, await log.GetEndAsync(topic));
        var second = await log.AppendAsync(topic, Block("x"), null);
        Assert.Equal(1, second.Position.Offset);
        await log.FenceAsync(topic, first.Position.Epoch);
        Assert.Equal(second.Position, (await log.GetEndAsync(topic)).Position);
        await log.FenceAsync(topic, second.Position.Epoch);
        Assert.Equal(default, await log.GetEndAsync(topic));
    }

    [Fact]
    public async Task A_publisher_that_knows_of_lost_events_begins_a_new_epoch()
    {
        await using var redis = await Server.ConnectAsync();
        var log = Create(redis, maxEvents: 100);
        var topic = NewTopic();
        for (var i = 0; i < 5; i++)
        {
            await log.AppendAsync(topic, Block("x"), null);
        }

        var before = await log.GetEndAsync(topic);
        await redis.GetDatabase().HashSetAsync($"sse:{{{topic}}}:counter", "offset", 3);
        await redis.GetDatabase().ListTrimAsync($"sse:{{{topic}}}:log", 0, 2);
        var after = await log.AppendAsync(topic, Block("x"), null);

        Assert.NotEqual(before.Position.Epoch, after.Position.Epoch);
        Assert.Equal(1, after.Position.Offset);
        Assert.Equal([1], Offsets(await log.ReadAsync(topic, 0, 10, 1_000)));
    }

    [Fact]
    public async Task Events_published_at_once_succeed_and_fail_each_on_its_own()
    {
        await using var redis = await Server.ConnectAsync();
        var clock = new WrongClock();
        var log = Create(redis, maxEvents: 100, time: clock);
        var topics = Enumerable.Range(0, 300).Select(_ => NewTopic()).ToArray();

        var publishing = Enumerable.Range(1, 3)
            .SelectMany(round => topics.Select(topic => (Topic: topic, Round: round, Task: AppendAsync(topic, round))))
            .ToList();
        var repeating = topics.Select(topic => AppendAsync(topic, 3)).ToList();

        // Of a time before 1970 the script makes no entry.
        Task<AppendResult> AppendAsync(string topic, int round)
        {
            clock.IsWrong = topic == topics[7];
            var task = log.AppendAsync(topic, Block($"{round}"), round == 3 ? "key" : null);
            clock.IsWrong = false;
            return task;
        }

        foreach (var (topic, round, task) in publishing)
        {
            if (topic == topics[7])
            {
                await Assert.ThrowsAsync<RedisServerException>(() => task);
            }
            else
            {
                Assert.Equal((round, false), ((await task).Position.Offset, (await task).Repeated));
            }
        }

        for (var i = 0; i < topics.Length; i++)
        {
            if (i != 7)
            {
                var repeated = await repeating[i];
                Assert.Equal((3, true), (repeated.Position.Offset, repeated.Repeated));
                Assert.Equal([1, 2, 3], Offsets(await log.ReadAsync(topics[i], 0, 10, 1_000)));
            }
        }

        await Assert.ThrowsAsync<RedisServerException>(() => repeating[7]);
    }

    [Fact]
    public async Task The_expiry_is_set_again_before_the_topic_could_have_been_idle_for_too_long()
    {
        await using var redis = await Server.ConnectAsync();
        var time = new FakeTimeProvider();
        var idle = TimeSpan.FromHours(1);
        var log = Create(redis, maxEvents: 10, idle, time);
        var topic = NewTopic();
        RedisKey[] keys = [$"sse:{{{topic}}}:counter", $"sse:{{{topic}}}:log"];
        await log.AppendAsync(topic, Block("x"), null);
        await AssertExpiryAsync();

        time.Advance(idle / 15);
        await Task.WhenAll(keys.Select(key => redis.GetDatabase().KeyExpireAsync(key, idle / 2)));
        await log.AppendAsync(topic, Block("x"), null);
        await AssertExpiryAsync();

        async Task AssertExpiryAsync()
        {
            foreach (var key in keys)
            {
                // A sixteenth longer than asked for, less what has passed since.
                Assert.InRange((await redis.GetDatabase().KeyTimeToLiveAsync(key))!.Value, idle, idle * 1.07);
            }
        }
    }

    [Fact]
    public async Task Whatever_lies_under_a_topics_keys_gives_way_to_the_next_event_and_hides_no_other_topic()
    {
        await using var redis = await Server.ConnectAsync();
        var database = redis.GetDatabase();
        var forged = ClusterKey.Forged();
        var log = Create(redis, maxEvents: 100, forged: forged);
        var other = NewTopic();
        await log.AppendAsync(other, Block("other"), null);
        foreach (var part in (string[])["counter", "log", "key:k"])
        {
            foreach (var name in ForeignValues.Names)
            {
                var topic = NewTopic();
                await log.AppendAsync(topic, Block("1"), null);
                await ForeignValues.PutAsync(database, $"sse:{{{topic}}}:{part}", name);
                var before = forged.Total;

                await log.GetEndAsync(topic);
                await log.ReadAsync(topic, 0, 10, 1_000);
                Assert.True((part == "key:k") ^ (forged.Total > before), $"{part}, {name}");
                var stored = log.AppendAsync(topic, Block("2"), "k");
                await log.AppendAsync(other, Block("other"), null);
                if (part == "counter" && name != "hash")
                {
                    // It may be another program's: only an operator takes it away.
                    await Assert.ThrowsAsync<RedisServerException>(() => stored);
                    Assert.NotNull(await log.DeleteAsync(topic));
                    stored = log.AppendAsync(topic, Block("2"), "k");
                }

                var result = await stored;
                Assert.False(result.Repeated, $"{part}, {name}");
                Assert.Equal(result.Position, (await log.GetEndAsync(topic)).Position);
                Assert.Equal("data: 2\n\n", Encoding.UTF8.GetString((await log.ReadAsync(topic, result.Position.Offset - 1, 10, 1_000)).Entries[0].Block.Span));
                Assert.Equal(result with { Repeated = true }, await log.AppendAsync(topic, Block("3"), "k"));
                Assert.True(forged.Total > before, $"{part}, {name}");
            }
        }

        foreach (var (field, value) in new[] { ("epoch", "nothex"), ("epoch", "0000000000000000"), ("offset", "abc"), ("offset", "9007199254740993"), ("offset", "9007199254740991"), ("offset", "9007199254740990"), ("offset", "0"), ("offset", "-5"), ("offset", "1e3"), ("published", "x y"), ("published", "999999999999999999999") })
        {
            var topic = NewTopic();
            await log.AppendAsync(topic, Block("1"), null);
            await database.HashSetAsync($"sse:{{{topic}}}:counter", field, value);
            await log.ReadAsync(topic, 0, 10, 1_000);
            var result = await log.AppendAsync(topic, Block("2"), null);
            var page = await log.ReadAsync(topic, result.Position.Offset - 1, 10, 1_000);
            Assert.Equal("data: 2\n\n", Encoding.UTF8.GetString(page.Entries[0].Block.Span));
            Assert.InRange(page.First, 1, result.Position.Offset);
            await database.KeyDeleteAsync($"sse:{{{topic}}}:counter");
            await database.StringSetAsync($"sse:{{{topic}}}:counter", "x");
            Assert.NotNull(await log.DeleteAsync(topic));
        }

        Assert.Equal(25, (await log.GetEndAsync(other)).Position.Offset);
    }

    [Fact]
    public async Task What_no_publish_could_have_stored_is_a_gap_in_the_log_nothing_on_the_channel_and_is_counted()
    {
        await using var redis = await Server.ConnectAsync();
        var database = redis.GetDatabase();
        var forged = ClusterKey.Forged();
        var log = Create(redis, maxEvents: 1_000, forged: forged);
        var topic = NewTopic();
        var live = new ConcurrentQueue<LogEntry>();
        await using var subscription = await log.SubscribeAsync(topic, live.Enqueue);
        var blocks = ForeignEntries.Blocks.Select(row => Encoding.Latin1.GetBytes(row.Data)).ToArray();
        for (var i = 0; i <= blocks.Length; i++)
        {
            await log.AppendAsync(topic, Block("x"), null);
        }

        var epoch = (await log.GetEndAsync(topic)).Position.Epoch;
        for (var i = 0; i < blocks.Length; i++)
        {
            await database.ListSetByIndexAsync($"sse:{{{topic}}}:log", i, (byte[])[.. Encoding.ASCII.GetBytes($"2 {epoch} {i + 1} 0 1\n"), .. blocks[i]]);
            await redis.GetSubscriber().PublishAsync(
                RedisTopology.HasShardedChannels(redis) == true ? RedisChannel.Sharded($"sse:{{{topic}}}:live") : RedisChannel.Literal($"sse:{{{topic}}}:live"), (byte[])[.. Encoding.ASCII.GetBytes($"2 {epoch} {blocks.Length + 2} 0 1\n"), .. blocks[i]]);
        }

        await log.AppendAsync(topic, Block("last"), null);
        await Eventually.Async(() => live.LastOrDefault()?.Position.Offset == blocks.Length + 2, s_limit, "the last event");
        Assert.Equal(blocks.Length + 2, live.Count);
        Assert.Equal(blocks.Length, forged.Total);
        var page = await log.ReadAsync(topic, 0, 1_000, 1_000_000);
        Assert.Equal(Enumerable.Range(1, blocks.Length + 2), Offsets(page));
        Assert.Equal(blocks.Length, page.Entries.Count(entry => entry.GapReason == GapReason.Expired));
        Assert.Equal(2 * blocks.Length, forged.Total);
    }

    [Fact]
    public async Task No_offset_is_shown_that_a_log_cannot_have()
    {
        await using var redis = await Server.ConnectAsync();
        var database = redis.GetDatabase();
        var log = Create(redis, maxEvents: 1_000, forged: ClusterKey.Forged());
        var topic = NewTopic();
        for (var i = 0; i < 3; i++)
        {
            await log.AppendAsync(topic, Block("x"), "key");
        }

        for (var i = 0; i < 3_000; i++)
        {
            _ = database.ListRightPushAsync($"sse:{{{topic}}}:log", "junk", flags: CommandFlags.FireAndForget);
        }

        await database.PingAsync();
        foreach (var after in (long[])[0, 1, 5, long.MaxValue])
        {
            var page = await log.ReadAsync(topic, after, 100, 1_000);
            Assert.Equal((1, 1), (page.First, page.Last));
            Assert.All(page.Entries, entry => Assert.Equal((1, GapReason.Expired), (entry.Position.Offset, entry.GapReason)));
        }

        await log.AppendAsync(topic, Block("x"), null);
        Assert.InRange((await log.ReadAsync(topic, 0, 0, 0)).First, 1, 2);

        // An answer that no publish has had.
        await database.StringSetAsync($"sse:{{{topic}}}:key:k", "00000000000000ff 9007199254740991");
        Assert.InRange((await log.AppendAsync(topic, Block("x"), "k")).Position.Offset, 1, 3);
    }

    private static (Epoch Epoch, long First, long Last) Describe(LogPage page) => (page.Epoch, page.First, page.Last);

    private static IEnumerable<int> Offsets(LogPage page) => page.Entries.Select(entry => (int)entry.Position.Offset);

    private protected static RedisTopicLog Create(IConnectionMultiplexer redis, int maxEvents, TimeSpan? idle = null, TimeProvider? time = null, long maxBytes = 0, ForgedRecords? forged = null) => new(
        redis,
        Options.Create(new ClusterOptions()), Options.Create(new TopicLogOptions { MaxEvents = maxEvents, MaxBytes = maxBytes, IdleExpiry = idle ?? TimeSpan.FromMinutes(1) }),
        time ?? TimeProvider.System,
        NullLogger<RedisTopicLog>.Instance,
        forged: forged);

    private sealed class WrongClock : TimeProvider
    {
        public bool IsWrong { get; set; }

        public override DateTimeOffset GetUtcNow() => IsWrong ? DateTimeOffset.UnixEpoch.AddDays(-1) : base.GetUtcNow();
    }

    private protected static byte[] Block(string data) => Encoding.UTF8.GetBytes($"data: {data}\n\n");

    private protected static string NewTopic() => Guid.NewGuid().ToString("N");
}

public sealed class RedisTopicLogTests(RedisServer server) : TopicLogTests(server), IClassFixture<RedisServer>;

public sealed class GarnetTopicLogTests(GarnetServer server) : TopicLogTests(server), IClassFixture<GarnetServer>;

public sealed class RedisClusterTopicLogTests(RedisClusterServer server) : TopicLogTests(server), IClassFixture<RedisClusterServer>
{
    [Fact]
    public async Task An_event_visits_no_node_but_that_of_its_topic()
    {
        await using var redis = await Server.ConnectAsync();
        var log = Create(redis, maxEvents: 1_000);
        var topics = Enumerable.Range(0, 12).Select(_ => NewTopic()).ToArray();
        var live = new ConcurrentQueue<LogEntry>();
        foreach (var topic in topics)
        {
            await log.SubscribeAsync(topic, live.Enqueue);
            Assert.Equal(1, await log.CountSubscribedReplicasAsync(topic));
        }

        var before = await SentAsync();
        await Task.WhenAll(topics.Select(topic => log.AppendAsync(topic, Block("x"), null)));

        await Eventually.Async(() => live.Count == topics.Length, TimeSpan.FromSeconds(10), "the events on their channels");
        Assert.Equal(before, await SentAsync());

        // What nodes have told each other of messages on channels.
        async Task<long> SentAsync()
        {
            var infos = await Task.WhenAll(redis.GetServers().Select(async node => (string)(await node.ExecuteAsync("CLUSTER", "INFO"))!));
            return infos.SelectMany(info => info.Split('\n', StringSplitOptions.TrimEntries)).Where(line => line.StartsWith("cluster_stats_messages_publish", StringComparison.Ordinal))
                .Sum(line => long.Parse(line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture));
        }
    }

    /// <summary>As while the servers of a running cluster are replaced by newer ones.</summary>
    [Fact]
    public async Task Subscriptions_move_when_the_servers_become_others()
    {
        await using var redis = await Server.ConnectAsync();
        bool? sharded = false;
        var time = new FakeTimeProvider();
        var log = new RedisTopicLog(
            redis, Options.Create(new ClusterOptions()), Options.Create(new TopicLogOptions()), time, NullLogger<RedisTopicLog>.Instance, areSharded: _ => sharded);
        var topic = NewTopic();
        var live = new ConcurrentQueue<LogEntry>();
        var subscription = await log.SubscribeAsync(topic, live.Enqueue);
        var offset = 0;
        foreach (var kind in (bool?[])[false, true, null, false, true])
        {
            sharded = kind;
            time.Advance(TimeSpan.FromSeconds(2));
            await log.GetEndAsync(topic);
            await Eventually.Async(async () => await log.CountSubscribedReplicasAsync(topic) == 1, TimeSpan.FromSeconds(10), "the subscription to have moved");
            await log.AppendAsync(topic, Block("x"), null);
            offset++;
            await Eventually.Async(() => live.Count == offset, TimeSpan.FromSeconds(10), $"event {offset} on the channel, and once");
        }

        await subscription.DisposeAsync();
        Assert.Equal(0, await log.CountSubscribedReplicasAsync(topic));
        Assert.Equal(Enumerable.Range(1, offset), live.Select(entry => (int)entry.Position.Offset));
    }
}

public sealed class RedisSentinelTopicLogTests(RedisSentinelServer server) : TopicLogTests(server), IClassFixture<RedisSentinelServer>;
