using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace SseApp.Tests.Events.Topics;

public sealed class TopicMetricsTests(RedisServer redis) : IClassFixture<RedisServer>
{
    [Fact]
    public async Task Topics_that_are_named_have_numbers_of_their_own_and_no_more_of_them_than_may()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("TopicMetrics:Patterns:0", "prices.*"), ("TopicMetrics:MaxTopics", "2"), ("Topics:UnsubscribeGrace", "00:00:00"));
        using var subscribers = host.Collect("sse_topic_subscribers");
        using var deliveries = host.Collect("sse_topic_deliveries_total");
        await using var reader = await host.SubscribeAsync("news", "prices.a", "prices.b", "prices.c");
        await using var second = await host.SubscribeAsync("prices.a");
        (await host.PublishAsync("prices.a", "1")).Dispose();
        await reader.NextAsync();

        Assert.Equal(["prices.a 2", "prices.b 1"], Read(subscribers));
        Assert.Equal(["prices.a 2", "prices.b 0"], Read(deliveries));
    }

    [Fact]
    public async Task Without_patterns_there_are_none()
    {
        await using var host = await EventsHost.StartAsync(redis);
        using var subscribers = host.Collect("sse_topic_subscribers");
        await using var reader = await host.SubscribeAsync("prices.a");
        subscribers.RecordObservableInstruments();
        Assert.Empty(subscribers.GetMeasurementSnapshot());
    }

    private static string[] Read(MetricCollector<long> collector)
    {
        collector.RecordObservableInstruments();
        return [.. collector.GetMeasurementSnapshot(clear: true).Select(measurement => $"{measurement.Tags["topic"]} {measurement.Value}").Order(StringComparer.Ordinal)];
    }
}
