using StackExchange.Redis;

namespace SseApp.Tests.Events.Archive;

/// <summary>One sequence from memory to Redis to the database: a client cannot tell where its events come from.</summary>
public sealed class ArchivedHistoryTests(RedisServer redis, PostgresServer postgres) : IClassFixture<RedisServer>
{
    private const int Kept = 50;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Streams_begin_at_any_place_and_get_each_event_once()
    {
        await using var host = await StartAsync();
        await PublishAsync(host, "t", 1, 1_500);
        await ArchivedAsync(host, "t", 1_500);

        await using var earliest = await SseReader.OpenAsync(host.Client, "/events?topic=t&lastEventId=earliest");
        await earliest.OpenedAsync();
        var ids = new List<string>();
        for (var i = 1; i <= 1_500; i++)
        {
            var next = await earliest.NextAsync(s_limit);
            Assert.Equal((i.ToString(CultureInfo.InvariantCulture), "message"), (next!.Data, next.Type));
            ids.Add(next.LastEventId);
        }

        await PublishAsync(host, "t", 1_501, 1_501);
        Assert.Equal(["1501"], await earliest.DataAsync(1));

        // From within the archive, at the end of a page of it, at the border to Redis, and from within Redis.
        foreach (var seen in new[] { 1, 700, 1_023, 1_024, 1_440, 1_460, 1_499, 1_500 })
        {
            await using var resumed = await host.ResumeAsync(ids[seen - 1], "t");
            Assert.True((await resumed.OpenedAsync()).GetProperty("resumed").GetBoolean());
            Assert.Equal(Enumerable.Range(seen + 1, 1_501 - seen).Select(i => $"{i}"), await resumed.DataAsync(1_501 - seen));
        }

        await using var last = await SseReader.OpenAsync(host.Client, "/events?topic=t&history=1200");
        await last.OpenedAsync();
        Assert.Equal(Enumerable.Range(302, 1_200).Select(i => $"{i}"), await last.DataAsync(1_200));
    }

    [Fact]
    public async Task History_is_read_by_offset_and_by_time()
    {
        await using var host = await StartAsync();
        await PublishAsync(host, "h", 1, 300);
        var between = TimeProvider.System.GetUtcNow();
        await Eventually.Async(() => TimeProvider.System.GetUtcNow() - between > TimeSpan.FromMilliseconds(5), s_limit, "another time");
        await PublishAsync(host, "h", 301, 600);
        await ArchivedAsync(host, "h", 600);

        var (first, all) = await ReadAsync(host, "h", "after=0&limit=1000");
        Assert.Equal((1, 600), (first.GetProperty("firstOffset").GetInt32(), first.GetProperty("lastOffset").GetInt32()));
        Assert.Equal(Enumerable.Range(1, 600), all);
        Assert.Equal(Enumerable.Range(101, 500), (await ReadAsync(host, "h", "after=100&limit=1000")).Offsets);
        var moment = Uri.EscapeDataString(between.ToString("O", CultureInfo.InvariantCulture));
        Assert.Equal(Enumerable.Range(301, 300), (await ReadAsync(host, "h", $"from={moment}&limit=1000")).Offsets);
        Assert.Equal(Enumerable.Range(1, 300), (await ReadAsync(host, "h", $"to={moment}&limit=1000")).Offsets);
        Assert.Empty((await ReadAsync(host, "h", "from=2099-01-01T00:00:00Z")).Offsets);

        await using var stream = await SseReader.OpenAsync(host.Client, $"/events?topic=h&from={moment}");
        await stream.OpenedAsync();
        Assert.Equal(Enumerable.Range(301, 300).Select(i => $"{i}"), await stream.DataAsync(300));
        await PublishAsync(host, "h", 601, 601);
        Assert.Equal(["601"], await stream.DataAsync(1));

        foreach (var wrong in new[] { "from=yesterday", "from=2026-11-28T09:00:00", "from=2026-11-28T09:00:00Z&after=3", "epoch=12", "to=1&to=2", "from=2026-11-28T10:00:00Z&to=2026-11-28T09:00:00Z" })
        {
            using var refused = await host.Client.GetAsync($"/topics/h/events?{wrong}", TestContext.Current.CancellationToken);
            Assert.Equal((HttpStatusCode.BadRequest, "application/problem+json"), (refused.StatusCode, refused.Content.Headers.ContentType?.MediaType));
        }
    }

    [Fact]
    public async Task An_epoch_that_Redis_lost_stays_readable_by_its_ids()
    {
        await using var host = await StartAsync();
        await PublishAsync(host, "e", 1, 200);
        await ArchivedAsync(host, "e", 200);
        await using var reader = await SseReader.OpenAsync(host.Client, "/events?topic=e&lastEventId=earliest");
        await reader.OpenedAsync();
        await reader.DataAsync(19);
        var id = (await reader.NextAsync(s_limit))!.LastEventId;
        var epoch = (await ReadAsync(host, "e", "limit=1")).Page.GetProperty("epoch").GetString();

        await using (var connection = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString))
        {
            await connection.GetDatabase().KeyDeleteAsync([$"{host.Prefix}:{{e}}:counter", $"{host.Prefix}:{{e}}:log"]);
        }

        await PublishAsync(host, "e", 1_001, 1_100);
        await ArchivedAsync(host, "e", 100);

        await using var resumed = await host.ResumeAsync(id, "e");
        Assert.True((await resumed.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal(Enumerable.Range(21, 180).Select(i => $"{i}"), await resumed.DataAsync(180));
        var gap = await resumed.NextAsync(s_limit);
        Assert.Equal("stream.gap", gap!.Type);
        Assert.Equal(("epoch", 201), (Json(gap.Data).GetProperty("reason").GetString(), Json(gap.Data).GetProperty("from").GetInt32()));
        Assert.Equal(Enumerable.Range(1_001, 100).Select(i => $"{i}"), await resumed.DataAsync(100));

        Assert.Equal(Enumerable.Range(1, 200), (await ReadAsync(host, "e", $"epoch={epoch}&limit=1000")).Offsets);
        Assert.Equal(Enumerable.Range(1, 200).Concat(Enumerable.Range(1_001, 100)).Select(i => $"{i}"), await ReadAllAsync(host, "e", "from=2020-01-01T00:00:00Z", limit: 70));
        using var unknown = await host.Client.GetAsync(new Uri("/topics/e/events?lastEventId=CQ", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, unknown.StatusCode);
        var described = Json(await host.Client.GetStringAsync(new Uri("/topics/e", UriKind.Relative), TestContext.Current.CancellationToken));
        var earlier = Assert.Single(described.GetProperty("earlierEpochs").EnumerateArray());
        Assert.Equal((epoch, 1, 200), (earlier.GetProperty("epoch").GetString(), earlier.GetProperty("firstOffset").GetInt32(), earlier.GetProperty("lastOffset").GetInt32()));

        await using var earliest = await SseReader.OpenAsync(host.Client, "/events?topic=e&lastEventId=earliest");
        await earliest.OpenedAsync();
        Assert.Equal("1", (await earliest.NextAsync(s_limit))!.Data);
    }

    [Fact]
    public async Task A_log_that_comes_back_without_archived_events_ends_so_that_no_id_means_two_events()
    {
        await using var host = await StartAsync();
        await PublishAsync(host, "back", 1, 60);
        await ArchivedAsync(host, "back", 60);
        await using var connection = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        var database = connection.GetDatabase();
        RedisKey counter = $"{host.Prefix}:{{back}}:counter", log = $"{host.Prefix}:{{back}}:log";
        var (savedCounter, savedLog) = (await database.HashGetAllAsync(counter), await database.ListRangeAsync(log));
        await PublishAsync(host, "back", 61, 100);
        await ArchivedAsync(host, "back", 100);
        await database.KeyDeleteAsync([counter, log]);
        await database.HashSetAsync(counter, savedCounter);
        await database.ListRightPushAsync(log, savedLog);

        // Of a replica that knows nothing of before: it gets an offset that is archived with another event.
        await using var other = await StartAsync(host.Prefix);
        await PublishAsync(other, "back", 1_001, 1_001);
        var saved = savedCounter.Single(field => field.Name == "epoch").Value;
        await Eventually.Async(async () => await database.HashGetAsync(counter, "epoch") != saved, s_limit, "the archiver to end the log");
        // One that took the shard over in between has compared the log before that publish, which then began the new one.
        var first = await database.KeyExistsAsync(counter) ? 1_001 : 1_002;
        await PublishAsync(other, "back", 1_002, 1_004);
        await ArchivedAsync(host, "back", 1_005 - first);

        await using var earliest = await SseReader.OpenAsync(host.Client, "/events?topic=back&lastEventId=earliest");
        await earliest.OpenedAsync();
        Assert.Equal(Enumerable.Range(1, 100).Select(i => $"{i}"), await earliest.DataAsync(100));
        var gap = await earliest.NextAsync(s_limit);
        Assert.Equal(("epoch", 101), (Json(gap!.Data).GetProperty("reason").GetString(), Json(gap.Data).GetProperty("from").GetInt64()));
        Assert.Equal(Enumerable.Range(first, 1_005 - first).Select(i => $"{i}"), await earliest.DataAsync(1_005 - first));
    }

    [Fact]
    public async Task A_log_that_comes_back_after_its_deletion_ends()
    {
        await using var host = await StartAsync();
        await PublishAsync(host, "gone", 1, 30);
        await ArchivedAsync(host, "gone", 30);
        await using var connection = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        var database = connection.GetDatabase();
        RedisKey counter = $"{host.Prefix}:{{gone}}:counter", log = $"{host.Prefix}:{{gone}}:log";
        var (savedCounter, savedLog) = (await database.HashGetAllAsync(counter), await database.ListRangeAsync(log));
        using (var deleted = await host.Operator.DeleteAsync("/topics/gone", TestContext.Current.CancellationToken))
        {
            Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        }

        await database.HashSetAsync(counter, savedCounter);
        await database.ListRightPushAsync(log, savedLog);
        await PublishAsync(host, "gone", 31, 31);
        var saved = savedCounter.Single(field => field.Name == "epoch").Value;
        await Eventually.Async(async () => await database.HashGetAsync(counter, "epoch") != saved, s_limit, "the archiver to end the log");
        await PublishAsync(host, "gone", 41, 43);
        await Eventually.Async(
            async () => (await database.HashGetAsync(counter, ["archived", "offset"])) is [{ HasValue: true } archived, var offset] && archived == offset, s_limit, "the new log in the archive");

        // Of what was published in between nobody can say whether it is there.
        Assert.Equal(["41", "42", "43"], (await ReadAllAsync(host, "gone", "after=0", limit: 100)).Where(data => data != "31"));
    }

    [Fact]
    public async Task What_was_published_while_there_was_no_archive_is_missing_and_nothing_behind_it()
    {
        string prefix, id;
        await using (var before = await StartAsync())
        {
            prefix = before.Prefix;
            await PublishAsync(before, "hole", 1, 100);
            await ArchivedAsync(before, "hole", 100);
            id = (await ReadAsync(before, "hole", "after=99")).Page.GetProperty("events")[0].GetProperty("id").GetString()!;
        }

        await using (var without = await EventsHost.StartAsync(redis, prefix, ("TopicLog:MaxEvents", $"{Kept}")))
        {
            await PublishAsync(without, "hole", 101, 400);
            await PublishAsync(without, "other", 1, 200);
        }

        await using var host = await StartAsync(prefix);
        await ArchivedAsync(host, "hole", 400);
        var first = (await ReadAsync(host, "hole", "after=101")).Offsets[0];
        Assert.True(first is > 101 and <= 351, $"The first event behind the hole is {first}.");
        foreach (var after in new[] { 100, 150, first - 1 })
        {
            Assert.Equal(Enumerable.Range(first, 401 - first), (await ReadAsync(host, "hole", $"after={after}&limit=1000")).Offsets);
        }

        // Nothing of this one was archived before.
        await ArchivedAsync(host, "other", 200);
        var kept = (await ReadAsync(host, "other", "after=0&limit=1000")).Offsets;
        Assert.Equal((200, 201 - kept[0]), (kept[^1], kept.Length));

        var position = Json(await host.Client.GetStringAsync(new Uri($"/events/position?topic=hole&lastEventId={id}", UriKind.Relative), TestContext.Current.CancellationToken)).GetProperty("topics")[0];
        var gap = position.GetProperty("gap");
        Assert.Equal(("expired", 101, first - 1), (gap.GetProperty("reason").GetString(), gap.GetProperty("from").GetInt32(), gap.GetProperty("to").GetInt32()));
        Assert.Equal(401 - first, position.GetProperty("events").GetInt32());
        await using var resumed = await host.ResumeAsync(id, "hole");
        await resumed.OpenedAsync();
        Assert.Equal("stream.gap", (await resumed.NextAsync(s_limit))!.Type);
        Assert.Equal(Enumerable.Range(first, 401 - first).Select(i => $"{i}"), await resumed.DataAsync(401 - first));
    }

    [Fact]
    public async Task What_is_erased_is_nowhere_any_more_and_nothing_is_missed()
    {
        await using var host = await StartAsync();
        await using var other = await StartAsync(host.Prefix);
        for (var i = 1; i <= 200; i++)
        {
            await PublishAsync(host, "k", i, i, i % 2 == 0 ? "?key=alice" : "?key=bob");
        }

        await ArchivedAsync(host, "k", 200);
        // What is kept in memory is erased, too.
        await using var live = await SseReader.OpenAsync(other.Client, "/events?topic=k&lastEventId=earliest");
        await live.OpenedAsync();
        await live.DataAsync(200);

        using (var erased = await host.Operator.DeleteAsync("/topics/k/events?key=alice", TestContext.Current.CancellationToken))
        {
            Assert.Equal(HttpStatusCode.OK, erased.StatusCode);
            var counts = Json(await erased.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            Assert.Equal(100, counts.GetProperty("erasedInArchive").GetInt32());
            Assert.True(counts.GetProperty("erased").GetInt32() >= Kept / 2);
        }

        var bobs = Enumerable.Range(1, 200).Where(i => i % 2 == 1).ToArray();
        foreach (var replica in new[] { host, other })
        {
            await Eventually.Async(
                async () => (await ReadAsync(replica, "k", "after=0&limit=1000")).Offsets.SequenceEqual(bobs), s_limit, "a history without what was erased");
        }

        await PublishAsync(host, "k", 201, 201);
        foreach (var replica in new[] { host, other })
        {
            await using var again = await SseReader.OpenAsync(replica.Client, "/events?topic=k&lastEventId=earliest");
            await again.OpenedAsync();
            Assert.Equal([.. bobs.Select(i => $"{i}"), "201"], await again.DataAsync(101));
        }
    }

    [Fact]
    public async Task A_deleted_topic_begins_anew()
    {
        await using var host = await StartAsync();
        await PublishAsync(host, "d", 1, 200);
        await ArchivedAsync(host, "d", 200);
        using (var deleted = await host.Operator.DeleteAsync("/topics/d", TestContext.Current.CancellationToken))
        {
            Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        }

        await PublishAsync(host, "d", 1_001, 1_002);
        await using var earliest = await SseReader.OpenAsync(host.Client, "/events?topic=d&lastEventId=earliest");
        await earliest.OpenedAsync();
        Assert.Equal(["1001", "1002"], await earliest.DataAsync(2));
        var offsets = (await ReadAsync(host, "d", "after=0")).Offsets;
        Assert.Equal([1, 2], offsets);
    }

    [Fact]
    public async Task The_id_of_now_joins_a_state_to_its_stream()
    {
        await using var host = await StartAsync();
        await PublishAsync(host, "a", 1, 3);
        var now = Json(await host.Client.GetStringAsync(new Uri("/position?topic=a&topic=b", UriKind.Relative), TestContext.Current.CancellationToken));
        await PublishAsync(host, "a", 4, 5);
        await PublishAsync(host, "b", 6, 6);

        await using var stream = await SseReader.OpenAsync(host.Client, $"/events?topic=a&topic=b&lastEventId={now.GetProperty("id").GetString()}");
        Assert.True((await stream.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal(["4", "5", "6"], (await stream.DataAsync(3)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_storm_on_the_same_history_costs_the_queries_of_one_client()
    {
        await using var host = await StartAsync();
        await PublishAsync(host, "s", 1, 3_000);
        await ArchivedAsync(host, "s", 3_000);
        using var queries = host.Collect("sse_archive_queries_total");
        await ReadAllAsync();
        var one = queries.GetMeasurementSnapshot().Sum(measured => measured.Value);
        // The pages are kept, so they are taken out for the comparison.
        using (await host.Operator.DeleteAsync("/topics/s/events?key=nobody", TestContext.Current.CancellationToken))
        {
        }

        queries.Clear();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => ReadAllAsync()));
        var many = queries.GetMeasurementSnapshot().Sum(measured => measured.Value);
        Assert.True(many <= Math.Ceiling(1.2 * one), $"One client cost {one} queries, 100 at once cost {many}.");

        async Task ReadAllAsync()
        {
            await using var reader = await SseReader.OpenAsync(host.Client, "/events?topic=s&lastEventId=earliest");
            await reader.OpenedAsync();
            Assert.Equal(Enumerable.Range(1, 3_000).Select(i => $"{i}"), await reader.DataAsync(3_000));
        }
    }

    private async Task<EventsHost> StartAsync(string? prefix = null)
    {
        await redis.RequireAsync();
        return await EventsHost.StartAsync(
            redis,
            prefix,
            ("Archive:Mode", "PostgreSQL"),
            ("Archive:Interval", "00:00:00.050"),
            ("ConnectionStrings:archive", await postgres.RequireAsync("archived_history")),
            ("TopicLog:MaxEvents", $"{Kept}"),
            ("Topics:RingBytes", "4096"));
    }

    private static async Task PublishAsync(EventsHost host, string topic, int first, int last, string query = "")
    {
        for (var from = first; from <= last; from += 500)
        {
            if (first == last)
            {
                using var stored = await host.PublishAsync(topic, $"{first}", query);
                Assert.Equal(HttpStatusCode.Created, stored.StatusCode);
                return;
            }

            var lines = Enumerable.Range(from, Math.Min(500, last - from + 1)).Select(i => JsonSerializer.Serialize(new { topic, data = $"{i}" }));
            using var body = new StringContent(string.Join('\n', lines), Encoding.UTF8, "application/x-ndjson");
            using var answer = await host.Client.PostAsync(new Uri("/publish", UriKind.Relative), body, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    /// <summary>Waits until the archive has the topic, and Redis may let go what is beyond its bound.</summary>
    private async Task ArchivedAsync(EventsHost host, string topic, long offset)
    {
        await using var connection = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        await Eventually.Async(
            async () => (long?)await connection.GetDatabase().HashGetAsync($"{host.Prefix}:{{{topic}}}:counter", "archived") == offset, s_limit, $"{topic} in the archive up to {offset}");
        // Publishes trim the log; until the next one it is as it was.
    }

    /// <summary>Reads page by page, each behind the last event of the one before it.</summary>
    private static async Task<List<string>> ReadAllAsync(EventsHost host, string topic, string begin, int limit)
    {
        var read = new List<string>();
        for (var query = begin; ;)
        {
            var (page, offsets) = await ReadAsync(host, topic, $"{query}&limit={limit}");
            if (offsets.Length == 0)
            {
                return read;
            }

            var events = page.GetProperty("events");
            read.AddRange(events.EnumerateArray().Select(item => item.GetProperty("data").GetString()!));
            query = $"lastEventId={events[offsets.Length - 1].GetProperty("id").GetString()}";
        }
    }

    private static async Task<(JsonElement Page, int[] Offsets)> ReadAsync(EventsHost host, string topic, string query)
    {
        var page = Json(await host.Client.GetStringAsync(new Uri($"/topics/{topic}/events?{query}", UriKind.Relative), TestContext.Current.CancellationToken));
        return (page, [.. page.GetProperty("events").EnumerateArray().Select(item => item.GetProperty("offset").GetInt32())]);
    }

    private static JsonElement Json(string text) => JsonSerializer.Deserialize<JsonElement>(text);
}
