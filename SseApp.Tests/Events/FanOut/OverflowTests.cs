using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace SseApp.Tests.Events.FanOut;

/// <summary>A client that does not read for a while, under each policy, beside one that keeps up.</summary>
public sealed class OverflowTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private const int BacklogBytes = 256 * 1024;
    private const int MaxEvents = 3_000;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task Drop_oldest_keeps_the_newest_events_and_names_the_missing_ones()
    {
        await using var host = await StartAsync("DropOldest");
        using var slow = host.Collect("sse_slow_consumers_total");
        using var gaps = host.Collect("sse_gaps_total");
        using var stalled = await StallAsync(host);

        // More than twice the backlog is dropped, so that gaps have to be joined.
        var last = await PublishUntilAsync(host, slow, "drop-oldest", i => null, extra: 20);

        long expected = 1;
        var reported = 0;
        while (expected <= last)
        {
            var next = await stalled.NextAsync();
            if (next?.Type == "stream.gap")
            {
                var gap = JsonSerializer.Deserialize<JsonElement>(next.Data);
                Assert.Equal("overflow", gap.GetProperty("reason").GetString());
                Assert.Equal("busy", gap.GetProperty("topic").GetString());
                Assert.Equal(expected, gap.GetProperty("from").GetInt64());
                expected = gap.GetProperty("to").GetInt64() + 1;
                reported++;
            }
            else
            {
                Assert.StartsWith($"{expected} ", next?.Data, StringComparison.Ordinal);
                expected++;
            }
        }

        Assert.True(reported > 0, "Events were dropped, but no gap was reported.");
        Assert.Equal(reported, gaps.GetMeasurementSnapshot().Where(measurement => Equals(measurement.Tags["reason"], "overflow")).Sum(measurement => measurement.Value));
    }

    [Fact]
    public async Task Conflate_keeps_the_newest_event_of_each_key()
    {
        await using var host = await StartAsync("Conflate");
        using var slow = host.Collect("sse_slow_consumers_total");
        using var stalled = await StallAsync(host);

        var last = await PublishUntilAsync(host, slow, "conflate", i => $"key-{i % 3}", extra: 60);

        var received = new List<int>();
        while (received.Count == 0 || received[^1] < last)
        {
            var next = await stalled.NextAsync();
            Assert.Equal("message", next?.Type);
            received.Add(int.Parse(next!.Data.AsSpan(0, next.Data.IndexOf(' ', StringComparison.Ordinal)), System.Globalization.CultureInfo.InvariantCulture));
        }

        Assert.Equal(received.Order(), received);
        // The tail is the newest of each of the three keys, and what was waiting before it is left out.
        Assert.Equal([last - 2, last - 1, last], received[^3..]);
        Assert.True(received.Count < last - 30, $"{received.Count} of {last} events came, so hardly any was replaced.");
    }

    [Fact]
    public async Task A_topic_without_a_rule_disconnects()
    {
        await using var host = await StartAsync("DropOldest", pattern: "other*");
        using var slow = host.Collect("sse_slow_consumers_total");
        using var closed = host.Collect("sse_connections_closed_total");
        using var stalled = await StallAsync(host);

        await PublishUntilAsync(host, slow, "disconnect", i => null, extra: 0);

        await Eventually.Async(
            () => closed.GetMeasurementSnapshot().Any(measurement => measurement.Value == 1 && Equals(measurement.Tags["reason"], "slow")),
            s_limit,
            "the stalled stream to be ended as slow");
    }

    [Fact]
    public async Task Events_that_a_fan_out_loop_has_no_room_for_are_read_from_the_log()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Streaming:MaxQueuedEvents", "1"), ("Streaming:Shards", "1"));
        using var deferred = host.Collect("sse_events_deferred_total");
        await using var reader = await host.SubscribeAsync("flood");
        var published = 0;
        while (deferred.GetMeasurementSnapshot().All(measurement => measurement.Value == 0))
        {
            Assert.True(published < 100_000, "100 000 events came one by one, so none had to wait.");
            var lines = Enumerable.Range(published, 500).Select(i => $$"""{"topic":"flood","data":"{{i}}"}""");
            using var answer = await host.Client.PostAsync(
                "/publish", new StringContent(string.Join('\n', lines)), TestContext.Current.CancellationToken);
            answer.EnsureSuccessStatusCode();
            Assert.Equal(Enumerable.Range(published, 500).Select(i => $"{i}"), await reader.DataAsync(500));
            published += 500;
        }
    }

    private static async Task<RawStream> StallAsync(EventsHost host)
    {
        var stalled = await RawStream.ConnectAsync(host.Address, receiveBuffer: 4 * 1024);
        await stalled.OpenAsync("topic=busy");
        return stalled;
    }

    /// <summary>Publishes until the policy was applied, and some more; a second client gets all of it, and the backlog keeps its bound.</summary>
    private static async Task<int> PublishUntilAsync(
        EventsHost host, MetricCollector<long> slow, string policy, Func<int, string?> key, int extra)
    {
        using var backlog = host.Collect("sse_backlog_bytes");
        await using var healthy = await host.SubscribeAsync("busy");
        var padding = new string('x', 30_000);
        var left = extra;
        for (var i = 1; i <= MaxEvents; i++)
        {
            using var answer = await host.PublishAsync("busy", $"{i} {padding}", key(i) is { } name ? $"?key={name}" : "");
            answer.EnsureSuccessStatusCode();
            Assert.StartsWith($"{i} ", (await healthy.NextAsync())?.Data, StringComparison.Ordinal);
            backlog.RecordObservableInstruments();
            Assert.InRange(backlog.LastMeasurement!.Value, 0, BacklogBytes);
            if (slow.GetMeasurementSnapshot().Any(measurement => measurement.Value > 0 && Equals(measurement.Tags["policy"], policy)) && left-- == 0)
            {
                return i;
            }
        }

        throw new InvalidOperationException($"{MaxEvents} events of 30 kB did not make the policy {policy} apply.");
    }

    private async Task<EventsHost> StartAsync(string policy, string pattern = "bu*") => await EventsHost.StartAsync(
        redis,
        null,
        ("Streaming:MaxBacklogBytes", $"{BacklogBytes}"),
        ("Streaming:MaxBacklogAge", "00:10:00"),
        ("Streaming:CloseTimeout", "00:00:00.100"),
        ("Streaming:Overflow:0:Pattern", pattern),
        ("Streaming:Overflow:0:Policy", policy));
}
