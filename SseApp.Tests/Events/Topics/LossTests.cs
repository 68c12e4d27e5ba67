using StackExchange.Redis;

namespace SseApp.Tests.Events.Topics;

/// <summary>Faults of Redis and of the way to it, with real servers; each test has its own, because it harms it.</summary>
public sealed class LossTests(AofRedisServer redis) : IClassFixture<AofRedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Killed_subscriptions_lose_nothing_under_steady_publishing()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var connection = await redis.ConnectAsync();
        var readers = new List<SseReader>();
        for (var i = 0; i < 10; i++)
        {
            readers.Add(await host.SubscribeAsync("kill"));
        }

        var reading = readers.Select(reader => reader.DataAsync(1_000)).ToList();
        for (var i = 0; i < 1_000; i++)
        {
            if (i % 200 == 100)
            {
                await RedisFaults.KillSubscriptionsAsync(connection.GetServers()[0]);
            }

            await PublishAsync(host, "kill", $"{i}");
        }

        foreach (var received in await Task.WhenAll(reading).WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken))
        {
            Assert.Equal(Enumerable.Range(0, 1_000).Select(i => $"{i}"), received);
        }

        foreach (var reader in readers)
        {
            await reader.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_replica_that_redis_disconnects_for_its_output_buffer_loses_nothing()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var reader = await host.SubscribeAsync("kick");
        await using var connection = await redis.ConnectAsync();
        await RedisFaults.KickSubscriptionsAsync(connection.GetServers()[0], async () =>
        {
            var padding = new string('x', 60_000);
            var lines = Enumerable.Range(0, 60).Select(i => $$"""{"topic":"kick","data":"{{i}} {{padding}}"}""");
            using var answer = await host.Client.PostAsync("/publish", new StringContent(string.Join('\n', lines)), TestContext.Current.CancellationToken);
            answer.EnsureSuccessStatusCode();

            Assert.Equal(
                Enumerable.Range(0, 60).Select(i => $"{i} {padding}"),
                await reader.DataAsync(60).WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken));
        });
    }

    [Fact]
    public async Task The_last_event_is_caught_up_with_without_another_one()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var publisher = await EventsHost.StartAsync(redis, host.Prefix);
        await using var reader = await host.SubscribeAsync("last");
        await using var connection = await redis.ConnectAsync();

        await RedisFaults.KillSubscriptionsAsync(connection.GetServers()[0]);
        await PublishAsync(publisher, "last", "only");

        Assert.Equal("only", (await reader.NextAsync(s_limit))?.Data);
    }

    [Fact]
    public async Task A_flushed_redis_is_reported_as_a_gap()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Topics:CheckInterval", "00:00:00.200"));
        await using var reader = await host.SubscribeAsync("flushed", "other");
        await PublishAsync(host, "flushed", "1");
        Assert.Equal("1", (await reader.NextAsync())?.Data);
        var id = reader.LastEventId;
        await using var connection = await redis.ConnectAsync();

        await connection.GetServers()[0].ExecuteAsync("FLUSHALL");

        var gap = await reader.NextAsync(s_limit);
        Assert.Equal(("stream.gap", """{"topic":"flushed","reason":"epoch","from":2,"to":null}"""), (gap?.Type, gap?.Data));
        await PublishAsync(host, "flushed", "new 1");
        Assert.Equal("new 1", (await reader.NextAsync())?.Data);

        await using var resumed = await host.ResumeAsync(id, "flushed", "other");
        Assert.False((await resumed.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal("stream.gap", (await resumed.NextAsync())?.Type);
        Assert.Equal("new 1", (await resumed.NextAsync())?.Data);
        await using var afterGap = await host.ResumeAsync(gap!.LastEventId, "flushed", "other");
        Assert.True((await afterGap.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal("new 1", (await afterGap.NextAsync())?.Data);
    }

    [Fact]
    public async Task A_redis_that_is_killed_and_restarts_with_its_file_loses_nothing()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var reader = await host.SubscribeAsync("aof");
        var stored = new List<string>();
        for (var i = 0; i < 300; i++)
        {
            if (i == 150)
            {
                await redis.KillAsync();
            }

            using var answer = await host.PublishAsync("aof", $"{i}");
            if (answer.StatusCode == HttpStatusCode.Created)
            {
                stored.Add($"{i}");
            }

            if (i == 160)
            {
                await redis.RequireAsync();
                await Eventually.Async(() => host.Get<IConnectionMultiplexer>().IsConnected, s_limit, "the connection to recover");
            }
        }

        Assert.InRange(stored.Count, 160, 299);
        Assert.Equal(stored, await reader.DataAsync(stored.Count).WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_redis_that_is_killed_under_load_keeps_all_that_was_acknowledged()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("TopicLog:MaxEvents", "1000000"));
        using var done = new CancellationTokenSource();
        // What was answered 503 may be stored; what was answered 201 must be.
        var publishers = Enumerable.Range(0, 16).Select(async lane =>
        {
            var acknowledged = new List<string>();
            for (var i = 0; !done.IsCancellationRequested; i++)
            {
                using var answer = await host.PublishAsync($"load{lane}", $"{i}");
                if (answer.StatusCode == HttpStatusCode.Created)
                {
                    acknowledged.Add($"{i}");
                }
            }

            return acknowledged;
        }).ToList();
        await using var connection = await redis.ConnectAsync();
        await Eventually.Async(async () => await StoredAsync(0) > 100, s_limit, "a hundred events before the kill");

        await redis.KillAsync();
        await redis.RequireAsync();

        await Eventually.Async(() => connection.IsConnected, s_limit, "the connection to recover");
        var before = await StoredAsync(0);
        await Eventually.Async(async () => await StoredAsync(0) > before + 20, s_limit, "events after the restart");
        await done.CancelAsync();
        for (var lane = 0; lane < publishers.Count; lane++)
        {
            var acknowledged = await publishers[lane];
            var stored = await connection.GetDatabase().ListRangeAsync($"{host.Prefix}:{{load{lane}}}:log");
            var data = stored.Select(entry => ((string)entry!).Split("data: ")[1].Trim()).ToHashSet();
            Assert.Empty(acknowledged.Except(data));
        }

        async Task<long> StoredAsync(int lane)
        {
            try
            {
                return (long)await connection.GetDatabase().HashGetAsync($"{host.Prefix}:{{load{lane}}}:counter", "offset");
            }
            catch (RedisException)
            {
                return 0;
            }
        }
    }

    [Fact]
    public async Task A_server_without_its_newest_events_gives_their_offsets_to_no_other_ones()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var reader = await host.SubscribeAsync("back");
        for (var i = 1; i <= 10; i++)
        {
            await PublishAsync(host, "back", $"{i}");
        }

        Assert.Equal(Enumerable.Range(1, 10).Select(i => $"{i}"), await reader.DataAsync(10));
        await using var connection = await redis.ConnectAsync();
        var key = $"{host.Prefix}:{{back}}:";
        await connection.GetDatabase().HashSetAsync(key + "counter", "offset", 7);
        await connection.GetDatabase().ListTrimAsync(key + "log", 0, 6);

        await PublishAsync(host, "back", "after");

        var gap = await reader.NextAsync(s_limit);
        Assert.Equal("""{"topic":"back","reason":"epoch","from":11,"to":null}""", gap?.Data);
        Assert.Equal("after", (await reader.NextAsync())?.Data);
    }

    private static async Task PublishAsync(EventsHost host, string topic, string data)
    {
        using var answer = await host.PublishAsync(topic, data);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }
}
