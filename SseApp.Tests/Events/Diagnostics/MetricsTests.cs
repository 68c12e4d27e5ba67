using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Events.Diagnostics;

public sealed class MetricsTests(RedisServer redis) : IClassFixture<RedisServer>
{
    [Fact]
    public async Task Prometheus_sees_exactly_the_documented_names()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var reader = await host.SubscribeAsync("metrics");
        using var answer = await host.PublishAsync("metrics", "x");
        await reader.NextAsync();

        var text = await host.Client.GetStringAsync("/metrics", TestContext.Current.CancellationToken);

        // The exporter finds meters by name in the whole process, so gateways of other tests show up here too.
        var types = text.Split('\n')
            .Where(line => line.StartsWith("# TYPE sse_", StringComparison.Ordinal) && !line.StartsWith("# TYPE sse_gateway_", StringComparison.Ordinal))
            .Select(line => line[7..]).Order(StringComparer.Ordinal);
        Assert.Equal(
            [
                "sse_active_connections gauge",
                "sse_active_topics gauge",
                "sse_backlog_bytes gauge",
                "sse_connections_closed_total counter",
                "sse_connections_opened_total counter",
                "sse_delivery_latency_seconds histogram",
                "sse_drain_seconds gauge",
                "sse_events_deferred_total counter",
                "sse_events_delivered_total counter",
                "sse_events_published_total counter",
                "sse_gaps_total counter",
                "sse_redis_subscriptions gauge",
                "sse_redis_up gauge",
                "sse_refusals_total counter",
                "sse_replayed_events_total counter",
                "sse_slow_consumers_total counter",
            ],
            types);
        // A stream's duration is hours; it would drown the durations of requests.
        Assert.DoesNotContain(text.Split('\n'), line =>
            line.StartsWith("http_server_request_duration", StringComparison.Ordinal) && line.Contains("/events\"", StringComparison.Ordinal) && !line.Contains("topics", StringComparison.Ordinal));
    }
}
