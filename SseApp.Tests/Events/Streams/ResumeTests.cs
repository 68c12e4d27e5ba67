namespace SseApp.Tests.Events.Streams;

public sealed class ResumeTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task A_client_whose_replica_died_goes_on_at_another_one()
    {
        var prefix = Guid.NewGuid().ToString("N");
        var first = await EventsHost.StartAsync(redis, prefix);
        await using var second = await EventsHost.StartAsync(redis, prefix);
        var reader = await first.SubscribeAsync("a", "b");
        for (var i = 0; i < 5; i++)
        {
            await PublishAsync(second, i % 2 == 0 ? "a" : "b", $"{i}");
        }

        // Each topic in its order; between two topics none is promised.
        Assert.Equal(["0", "2", "4", "1", "3"], (await reader.DataAsync(5)).OrderBy(data => data is "1" or "3"));
        await first.DisposeAsync();
        for (var i = 5; i < 300; i++)
        {
            await PublishAsync(second, "a", $"{i}");
        }

        await using var resumed = await second.ResumeAsync(reader.LastEventId, "b", "a");
        Assert.True((await resumed.OpenedAsync()).GetProperty("resumed").GetBoolean());
        await PublishAsync(second, "a", "live");
        Assert.Equal([.. Enumerable.Range(5, 295).Select(i => $"{i}"), "live"], await resumed.DataAsync(296));
        await reader.DisposeAsync();
    }

    [Theory]
    [InlineData("262144")]
    [InlineData("0")]
    public async Task Events_published_while_a_client_joins_come_once(string ringBytes)
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Topics:RingBytes", ringBytes));
        await PublishAsync(host, "join", "0");
        var publishing = PublishAllAsync();

        var reading = Enumerable.Range(0, 40).Select(async _ =>
        {
            await using var reader = await SseReader.OpenAsync(host.Client, "/events?topic=join&lastEventId=earliest");
            await reader.OpenedAsync();
            return await reader.DataAsync(600);
        });

        foreach (var received in await Task.WhenAll(reading))
        {
            Assert.Equal(Enumerable.Range(0, 600).Select(i => $"{i}"), received);
        }

        await publishing;

        async Task PublishAllAsync()
        {
            for (var i = 1; i < 600; i++)
            {
                await PublishAsync(host, "join", $"{i}");
            }
        }
    }

    [Fact]
    public async Task Events_that_the_log_no_longer_has_are_named_and_the_gap_is_reported_once()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("TopicLog:MaxEvents", "1000"), ("TopicLog:Overrides:0:Pattern", "short-*"), ("TopicLog:Overrides:0:MaxEvents", "10"), ("Topics:UnsubscribeGrace", "00:00:00"));
        using var gaps = host.Collect("sse_gaps_total");
        string id;
        await using (var reader = await host.SubscribeAsync("short-a"))
        {
            await PublishAsync(host, "short-a", "1");
            Assert.Equal("1", (await reader.NextAsync())?.Data);
            id = reader.LastEventId;
        }

        // The ring would still have them: retention counts once the topic had no subscriber here.
        await Eventually.Async(() => host.Get<SseApp.Events.Topics.TopicHubs>().LocalSubscribers("short-a") == 0, s_limit, "the subscriber to go");
        using var subscriptions = host.Collect("sse_redis_subscriptions");
        await Eventually.Async(
            () =>
            {
                subscriptions.RecordObservableInstruments();
                return subscriptions.LastMeasurement?.Value == 0;
            },
            s_limit,
            "the subscription to go");
        for (var i = 2; i <= 30; i++)
        {
            await PublishAsync(host, "short-a", $"{i}");
        }

        await using var resumed = await host.ResumeAsync(id, "short-a");
        Assert.False((await resumed.OpenedAsync()).GetProperty("resumed").GetBoolean());
        var gap = await resumed.NextAsync();
        Assert.Equal(("stream.gap", """{"topic":"short-a","reason":"expired","from":2,"to":20}"""), (gap?.Type, gap?.Data));
        Assert.Equal(Enumerable.Range(21, 10).Select(i => $"{i}"), await resumed.DataAsync(10));
        Assert.Equal("expired", Assert.Single(gaps.GetMeasurementSnapshot(), measurement => measurement.Value == 1).Tags["reason"]);

        await using var afterGap = await host.ResumeAsync(gap!.LastEventId, "short-a");
        Assert.True((await afterGap.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal("21", (await afterGap.NextAsync())?.Data);
    }

    [Fact]
    public async Task History_and_earliest_begin_before_the_live_end()
    {
        await using var host = await EventsHost.StartAsync(redis);
        for (var i = 1; i <= 20; i++)
        {
            await PublishAsync(host, "h", $"{i}");
        }

        await using var history = await SseReader.OpenAsync(host.Client, "/events?topic=h&topic=empty&history=3");
        Assert.False((await history.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal(["18", "19", "20"], await history.DataAsync(3));
        await using var all = await SseReader.OpenAsync(host.Client, "/events?topic=h&lastEventId=earliest");
        await all.OpenedAsync();
        Assert.Equal(Enumerable.Range(1, 20).Select(i => $"{i}"), await all.DataAsync(20));
        await using var more = await SseReader.OpenAsync(host.Client, "/events?topic=h&history=1000");
        await more.OpenedAsync();
        Assert.Equal(Enumerable.Range(1, 20).Select(i => $"{i}"), await more.DataAsync(20));

        // What an EventSource does with a URL that says history: its header is the newer word.
        await using var again = await SseReader.OpenAsync(host.Client, "/events?topic=h&lastEventId=earliest&history=3", all.LastEventId);
        Assert.True((await again.OpenedAsync()).GetProperty("resumed").GetBoolean());
        await PublishAsync(host, "h", "21");
        Assert.Equal("21", (await again.NextAsync())?.Data);
        Assert.Equal("21", (await history.NextAsync())?.Data);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("earliest-ish, really")]
    [InlineData("AAAA")]
    public async Task A_strange_id_is_a_gap_and_not_an_error(string id)
    {
        await using var host = await EventsHost.StartAsync(redis);
        await PublishAsync(host, "x", "old");
        await using var reader = await host.ResumeAsync(id, "x", "y");

        Assert.Equal(HttpStatusCode.OK, reader.Response.StatusCode);
        Assert.False((await reader.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal("""{"topic":"x","reason":"unknown-position","from":null,"to":1}""", (await reader.NextAsync())?.Data);
        var second = await reader.NextAsync();
        Assert.Equal(("stream.gap", """{"topic":"y","reason":"unknown-position","from":null,"to":0}"""), (second?.Type, second?.Data));
        await PublishAsync(host, "x", "new");
        Assert.Equal("new", (await reader.NextAsync())?.Data);
        await using var resumed = await host.ResumeAsync(second!.LastEventId, "x", "y");
        Assert.True((await resumed.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal("new", (await resumed.NextAsync())?.Data);
    }

    [Fact]
    public async Task An_id_from_the_future_of_its_log_is_a_gap()
    {
        await using var host = await EventsHost.StartAsync(redis);
        using var answer = await host.PublishAsync("future", "1");
        var epoch = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement.GetProperty("epoch").GetString()!;
        var topics = new SseApp.Events.Log.TopicSet(["future"]);
        var id = SseApp.Events.Log.PositionCodec.Encode(
            topics, [new SseApp.Events.Log.Position(new SseApp.Events.Log.Epoch(Convert.ToUInt64(epoch, 16)), 1_000_000)]);

        await using var reader = await host.ResumeAsync(id, "future");

        Assert.False((await reader.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal("""{"topic":"future","reason":"unknown-position","from":null,"to":1}""", (await reader.NextAsync())?.Data);
        await PublishAsync(host, "future", "2");
        Assert.Equal("2", (await reader.NextAsync())?.Data);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("x")]
    [InlineData("2000000")]
    [InlineData("1&history=2")]
    public async Task A_bad_history_is_refused_with_its_rule(string history)
    {
        await using var host = await EventsHost.StartAsync(redis);
        using var answer = await host.Client.GetAsync($"/events?topic=a&history={history}", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("'history' is given once", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("history=3&from=2026-01-01T00:00:00Z", "give one of them")]
    [InlineData("history=0&from=2026-01-01T00:00:00Z", "give one of them")]
    [InlineData("history=3&from=2026-01-01T00:00:00Z&lastEventId=x", "give one of them")]
    [InlineData("from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", "has no end")]
    public async Task Two_starts_of_a_stream_and_an_end_are_refused_with_the_rule(string query, string rule)
    {
        await using var host = await EventsHost.StartAsync(redis);
        using var answer = await host.Client.GetAsync($"/events?topic=a&{query}", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(rule, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    /// <summary>A page can have both in its URL: where it was, and what to show the first time.</summary>
    [Theory]
    [InlineData("history=3")]
    [InlineData("history=0")]
    [InlineData("from=2026-01-01T00:00:00Z")]
    public async Task An_id_in_the_URL_goes_before_the_other_starts_and_an_empty_one_is_none(string start)
    {
        await using var host = await EventsHost.StartAsync(redis);
        for (var i = 1; i <= 4; i++)
        {
            await PublishAsync(host, "ab", $"{i}");
        }

        await using var all = await SseReader.OpenAsync(host.Client, "/events?topic=ab&lastEventId=earliest");
        await all.OpenedAsync();
        Assert.Equal(["1", "2", "3", "4"], await all.DataAsync(4));
        var fourth = all.LastEventId;
        await PublishAsync(host, "ab", "5");

        await using var resumed = await SseReader.OpenAsync(host.Client, $"/events?topic=ab&{start}&lastEventId={fourth}");
        Assert.True((await resumed.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal(["5"], await resumed.DataAsync(1));

        await using var first = await SseReader.OpenAsync(host.Client, $"/events?topic=ab&{start}&lastEventId=");
        Assert.False((await first.OpenedAsync()).GetProperty("resumed").GetBoolean());
        await PublishAsync(host, "ab", "6");
        Assert.Equal([start switch { "history=3" => "3", "history=0" => "6", _ => "1" }], await first.DataAsync(1));
    }

    [Fact]
    public async Task A_long_history_waits_for_a_client_that_reads_slowly_instead_of_filling_its_backlog()
    {
        await using var host = await EventsHost.StartAsync(
            redis, null, ("Streaming:MaxBacklogBytes", "65536"), ("Publishing:MaxEventBytes", "100000"));
        using var backlog = host.Collect("sse_backlog_bytes");
        using var replayed = host.Collect("sse_replayed_events_total");
        var data = Enumerable.Range(0, 300).Select(i => $"{i} {new string('x', 90_000)}").ToList();
        foreach (var item in data)
        {
            await PublishAsync(host, "long", item);
        }

        await using var reader = await SseReader.OpenAsync(host.Client, "/events?topic=long&lastEventId=earliest");
        await reader.OpenedAsync();
        Assert.Equal(data[..10], await reader.DataAsync(10));
        await PublishAsync(host, "long", "live");
        backlog.RecordObservableInstruments();
        Assert.Equal(0, backlog.LastMeasurement!.Value);

        Assert.Equal([.. data[10..], "live"], await reader.DataAsync(291));
        await Eventually.Async(() => replayed.GetMeasurementSnapshot().Sum(measurement => measurement.Value) == 301, s_limit, "301 events to be counted as replayed");
    }

    [Fact]
    public async Task Many_clients_that_resume_one_topic_cost_redis_few_reads()
    {
        var prefix = Guid.NewGuid().ToString("N");
        await using var publisher = await EventsHost.StartAsync(redis, prefix);
        for (var i = 1; i <= 300; i++)
        {
            await PublishAsync(publisher, "storm", $"{i}");
        }

        string id;
        await using (var last = await SseReader.OpenAsync(publisher.Client, "/events?topic=storm&history=200"))
        {
            await last.OpenedAsync();
            id = (await last.NextAsync())!.LastEventId;
        }

        await using var host = await EventsHost.StartAsync(redis, prefix);
        await using var connection = await redis.ConnectAsync();
        var before = await CountListReadsAsync(connection);
        var readers = await Task.WhenAll(Enumerable.Range(0, 400).Select(_ => host.ResumeAsync(id, "storm")));
        foreach (var reader in readers)
        {
            Assert.True((await reader.OpenedAsync()).GetProperty("resumed").GetBoolean());
            Assert.Equal(Enumerable.Range(102, 199).Select(i => $"{i}"), await reader.DataAsync(199));
            await reader.DisposeAsync();
        }

        // A read takes slices of 32 events, so 199 events are 7 of them.
        Assert.InRange(await CountListReadsAsync(connection) - before, 1, 70);
    }

    private static async Task<long> CountListReadsAsync(StackExchange.Redis.ConnectionMultiplexer connection)
    {
        var stats = (string)(await connection.GetServers()[0].ExecuteAsync("INFO", "commandstats"))!;
        var line = stats.Split('\n').FirstOrDefault(line => line.StartsWith("cmdstat_lrange:", StringComparison.Ordinal)) ?? "=0,";
        return long.Parse(line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..line.IndexOf(',', StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task PublishAsync(EventsHost host, string topic, string data)
    {
        using var answer = await host.PublishAsync(topic, data);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }
}
