using SseApp.Events.Topics;

namespace SseApp.Tests.Events.Streams;

public sealed class StreamTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_stream_opens_at_once_with_the_headers_that_keep_it_unbuffered()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var reader = await host.OpenAsync("b", "a", "a");

        var first = await reader.NextRawAsync();
        Assert.Equal(":", first?.Type);
        var opened = await reader.OpenedAsync();
        Assert.Equal(["a", "b"], opened.GetProperty("topics").EnumerateArray().Select(topic => topic.GetString()));
        Assert.False(opened.GetProperty("resumed").GetBoolean());
        Assert.NotEmpty(opened.GetProperty("connection").GetString()!);
        Assert.NotEmpty(opened.GetProperty("replica").GetString()!);
        Assert.InRange(reader.Retry ?? -1, 1_000, 5_000);
        Assert.NotEmpty(reader.LastEventId);
        Assert.Equal("text/event-stream", reader.Response.Content.Headers.ContentType?.ToString());
        Assert.Equal(["identity"], reader.Response.Content.Headers.ContentEncoding);
        Assert.Equal(["no"], reader.Response.Headers.GetValues("X-Accel-Buffering"));
        var cache = reader.Response.Headers.CacheControl!;
        Assert.True(cache is { NoCache: true, NoStore: true, MustRevalidate: true, NoTransform: true });
    }

    /// <summary>RFC 9110, 12.5.1. A program that wants JSON is told so, rather than left to wait for the end of what has none.</summary>
    [Theory]
    [InlineData(null, 200)]
    [InlineData("*/*", 200)]
    [InlineData("text/*", 200)]
    [InlineData("TEXT/Event-Stream; charset=utf-8; q=0.1", 200)]
    [InlineData("application/json, text/plain, */*", 200)]
    [InlineData("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 200)]
    [InlineData("nonsense", 200)]
    [InlineData("", 200)]
    [InlineData("application/json", 406)]
    [InlineData("text/html, application/json;q=0.1", 406)]
    [InlineData("text/event-stream;q=0, */*", 406)]
    [InlineData("text/*;q=0.0, */*", 406)]
    [InlineData("*/*;q=0", 406)]
    public async Task A_stream_is_for_who_takes_one(string? accept, int status)
    {
        await using var host = await EventsHost.StartAsync(redis);
        foreach (var method in (HttpMethod[])[HttpMethod.Head, HttpMethod.Get])
        {
            using var request = new HttpRequestMessage(method, "/events?topic=a");
            if (accept is not null)
            {
                request.Headers.TryAddWithoutValidation("Accept", accept);
            }

            using var response = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            Assert.Equal((status, status == 200 ? "text/event-stream" : "application/problem+json"), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        }
    }

    [Fact]
    public async Task Every_connection_of_every_replica_gets_all_events_in_order()
    {
        await using var first = await EventsHost.StartAsync(redis, "shared");
        await using var second = await EventsHost.StartAsync(redis, "shared");
        var readers = new List<SseReader>();
        for (var i = 0; i < 10; i++)
        {
            readers.Add(await (i % 2 == 0 ? first : second).SubscribeAsync("order", $"other-{i}"));
        }

        var reading = readers.Select(reader => reader.DataAsync(300)).ToList();
        for (var i = 0; i < 300; i++)
        {
            using var answer = await (i % 3 == 0 ? second : first).PublishAsync("order", $"{i} h\u00e4llo");
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        }

        var expected = Enumerable.Range(0, 300).Select(i => $"{i} h\u00e4llo");
        foreach (var received in await Task.WhenAll(reading))
        {
            Assert.Equal(expected, received);
        }

        foreach (var reader in readers)
        {
            await reader.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_id_of_an_event_is_the_one_that_its_publisher_got()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var reader = await host.SubscribeAsync("ids");

        using var answer = await host.PublishAsync("ids", "x", "?event=greet");

        var published = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;
        var received = await reader.NextAsync();
        Assert.Equal(new SseEvent("greet", "x", published.GetProperty("id").GetString()!), received);
    }

    [Fact]
    public async Task A_64_KiB_event_of_many_lines_arrives_unchanged()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var reader = await host.SubscribeAsync("large");
        var data = string.Join('\n', Enumerable.Range(0, 4_000).Select(i => $"{i:0000} \uFEFF \U0001F600"));

        using var answer = await host.PublishAsync("large", data);

        Assert.Equal(data, (await reader.NextAsync())?.Data);
    }

    [Fact]
    public async Task A_silent_stream_gets_heartbeats()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Streaming:HeartbeatInterval", "00:00:00.200"));
        await using var reader = await host.SubscribeAsync("quiet");

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(":", (await reader.NextRawAsync(TimeSpan.FromSeconds(3)))?.Type);
        }
    }

    [Fact]
    public async Task Redis_subscriptions_go_a_grace_period_after_the_last_subscriber()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Topics:UnsubscribeGrace", "00:00:00.100"));
        foreach (var topic in (string[])["kept", "own-0", "own-1", "own-2"])
        {
            using var published = await host.PublishAsync(topic, "first");
        }

        using var subscriptions = host.Collect("sse_redis_subscriptions");
        using var topics = host.Collect("sse_active_topics");
        var readers = new List<SseReader>();
        for (var i = 0; i < 3; i++)
        {
            readers.Add(await host.SubscribeAsync("kept", $"own-{i}"));
        }

        Assert.Equal((4, 4), (Observe(subscriptions), Observe(topics)));
        await readers[0].DisposeAsync();
        await readers[1].DisposeAsync();
        await Eventually.Async(() => Observe(subscriptions) == 2 && Observe(topics) == 2, s_limit, "two subscriptions to go");
        Assert.Equal(1, host.Get<TopicHubs>().LocalSubscribers("kept"));

        await readers[2].DisposeAsync();
        await Eventually.Async(() => Observe(subscriptions) == 0 && Observe(topics) == 0, s_limit, "all subscriptions to go");
        await using var again = await host.SubscribeAsync("kept");
        using var answer = await host.PublishAsync("kept", "back");
        Assert.Equal("back", (await again.NextAsync())?.Data);
    }

    [Fact]
    public async Task A_topic_to_which_nothing_was_published_has_no_grace_period()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Topics:UnsubscribeGrace", "01:00:00"));
        using var published = await host.PublishAsync("kept", "first");
        using var subscriptions = host.Collect("sse_redis_subscriptions");
        using var topics = host.Collect("sse_active_topics");
        for (var i = 0; i < 5; i++)
        {
            await using var stream = await host.SubscribeAsync(["kept", .. Enumerable.Range(0, 60).Select(j => $"made-up-{i}-{j}")]);
        }

        // Some that leave before their stream is open.
        for (var i = 0; i < 20; i++)
        {
            using var leaving = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            leaving.CancelAfter(TimeSpan.FromMilliseconds(i));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.Client.GetStringAsync($"/events?topic=left-{i}&topic=left-too-{i}", leaving.Token));
        }

        await Eventually.Async(() => Observe(subscriptions) == 1 && Observe(topics) == 1, s_limit, "all subscriptions but the one of the topic with a log to go");
    }

    [Fact]
    public async Task A_topic_that_is_left_and_asked_for_again_at_once_misses_nothing()
    {
        await using var host = await EventsHost.StartAsync(redis);
        for (var i = 0; i < 50; i++)
        {
            await (await host.SubscribeAsync($"new-{i}")).DisposeAsync();
            await using var again = await host.SubscribeAsync($"new-{i}");
            using var published = await host.PublishAsync($"new-{i}", "x");
            Assert.Equal("x", (await again.NextAsync())?.Data);
        }
    }

    [Theory]
    [InlineData("/events", "at least one topic")]
    [InlineData("/events?topic=$SYS", "does not begin with '$'")]
    [InlineData("/events?topic=a&topic=b&topic=c", "at most 2 topics")]
    public async Task A_bad_request_gets_the_rule_it_broke(string uri, string rule)
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Streaming:MaxTopics", "2"));
        using var answer = await host.Client.SendAsync(HttpMethod.Get, uri, ("Accept", "text/event-stream"));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Contains(rule, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_gauge_of_connections_follows_the_streams()
    {
        await using var host = await EventsHost.StartAsync(redis);
        using var active = host.Collect("sse_active_connections");
        using var closed = host.Collect("sse_connections_closed_total");
        var reader = await host.SubscribeAsync("gauge");
        Assert.Equal(1, Observe(active));

        await reader.DisposeAsync();

        await Eventually.Async(() => Observe(active) == 0, s_limit, "the connection to be counted out");
        Assert.Equal("client", Assert.Single(closed.GetMeasurementSnapshot(), measurement => measurement.Value == 1).Tags["reason"]);
    }

    private static long Observe(Microsoft.Extensions.Diagnostics.Metrics.Testing.MetricCollector<long> gauge)
    {
        gauge.RecordObservableInstruments();
        return gauge.LastMeasurement?.Value ?? -1;
    }
}
