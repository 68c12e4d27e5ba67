namespace SseApp.Tests.Events.Diagnostics;

public sealed class MetricsTests(RedisServer redis) : IClassFixture<RedisServer>
{
    [Fact]
    public async Task Prometheus_sees_exactly_the_documented_names()
    {
        await redis.RequireAsync();
        // A process of its own: the exporter finds meters by name, those of other tests' hosts too.
        await using var replica = new ServiceProcess("measured", "SseApp.Events", [new("ConnectionStrings__redis", redis.ConnectionString)]);
        await replica.StartAsync();
        using var client = new HttpClient { BaseAddress = replica.Address };
        using var admin = OperatorAccess.Client(replica.Admin);
        await using (var reader = await SseReader.OpenAsync(client, "/events?topic=metrics"))
        {
            await reader.OpenedAsync();
            using var answer = await client.PostAsync("/topics/metrics/events", new StringContent("x"), TestContext.Current.CancellationToken);
            await reader.NextAsync();
        }

        var text = "";
        await Eventually.Async(
            async () => (text = await admin.GetStringAsync("/metrics", TestContext.Current.CancellationToken)).Contains("sse_connections_closed_total{", StringComparison.Ordinal),
            TimeSpan.FromSeconds(10),
            "the end of the stream to be counted");

        var types = text.Split('\n')
            .Where(line => line.StartsWith("# TYPE sse_", StringComparison.Ordinal))
            .Select(line => line[7..]).Order(StringComparer.Ordinal);
        Assert.Equal(
            [
                "sse_active_connections gauge",
                "sse_active_topics gauge",
                "sse_backlog_bytes gauge",
                "sse_connections_closed_total counter",
                "sse_connections_opened_total counter",
                "sse_connections_refused_total counter",
                "sse_delivery_latency_seconds histogram",
                "sse_descriptor_limit gauge",
                "sse_drain_seconds gauge",
                "sse_events_deferred_total counter",
                "sse_events_delivered_total counter",
                "sse_events_published_total counter",
                "sse_forged_total counter",
                "sse_gaps_total counter",
                "sse_open_descriptors gauge",
                "sse_publishes_refused_total counter",
                "sse_reads_refused_total counter",
                "sse_redis_memory_limit_bytes gauge",
                "sse_redis_memory_used_bytes gauge",
                "sse_redis_subscriptions gauge",
                "sse_redis_up gauge",
                "sse_refusals_total counter",
                "sse_replayed_events_total counter",
                "sse_request_memory_bytes gauge",
                "sse_slow_consumers_total counter",
                "sse_stored_bytes gauge",
                "sse_stored_limit_bytes gauge",
            ],
            types);
        var started = double.Parse(text.Split('\n').Single(line => line.StartsWith("process_start_time_seconds", StringComparison.Ordinal)).Split(' ')[1], CultureInfo.InvariantCulture);
        Assert.InRange(started, TimeProvider.System.GetUtcNow().AddMinutes(-10).ToUnixTimeSeconds(), TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 1);
        // A stream's duration is hours; it would drown the durations of requests.
        Assert.DoesNotContain(text.Split('\n'), line =>
            line.StartsWith("http_server_request_duration", StringComparison.Ordinal) && line.Contains("/events\"", StringComparison.Ordinal) && !line.Contains("topics", StringComparison.Ordinal));
    }
}
