using SseApp.Tests.ServiceDefaults.Defaults.Http;

namespace SseApp.Tests.ServiceDefaults.Defaults.Telemetry;

// Whoever listens to spans listens to those of the whole process.
[Collection<RunsAlone>]
public sealed class TracingTests(RedisServer redis) : EdgeTest(redis)
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string SpanId = "b7ad6b7169203331";

    private readonly ConcurrentQueue<Activity> _ended = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stream_is_a_span_that_ends_when_it_is_open(bool relay)
    {
        using var listener = Listen();
        var (gateway, _) = await StartAsync(relay);
        using var stream = await StreamClient.OpenAsync(gateway.Client, "/events?topic=t", headers: ("traceparent", $"00-{TraceId}-{SpanId}-01"));
        await stream.ReadUntilAsync("stream.open");
        await UntilAsync(() => Ended("open stream").Length == 2, "the spans of the open stream");

        var ofGateway = Ended("open stream").Single(span => span.ParentSpanId.ToString() == SpanId);
        var ofReplica = Ended("open stream").Single(span => span != ofGateway);
        Assert.Equal(TraceId, ofGateway.TraceId.ToString());
        Assert.Equal(TraceId, ofReplica.TraceId.ToString());
        if (relay)
        {
            // Else the request between them has a span of its own.
            Assert.Equal(ofGateway.SpanId, ofReplica.ParentSpanId);
        }

        using var resumed = await StreamClient.OpenAsync(gateway.Client, "/events?topic=t", headers: ("Last-Event-ID", "x"));
        await resumed.ReadUntilAsync("stream.open");
        await UntilAsync(() => Ended("resume stream").Length == 2, "the spans of the resumed stream");
    }

    [Fact]
    public async Task A_publish_leads_to_its_first_delivery_and_few_events_have_spans()
    {
        using var listener = Listen();
        var (gateway, _) = await StartAsync();
        using var first = await StreamClient.OpenAsync(gateway.Client, "/events?topic=t");
        using var second = await StreamClient.OpenAsync(gateway.Client, "/events?topic=t");
        await first.ReadUntilAsync("stream.open");
        await second.ReadUntilAsync("stream.open");
        using var published = await gateway.Client.PostAsync(
            "/publish", JsonContent.Create(Enumerable.Range(1, 150).Select(i => new { topic = "t", data = $"no {i}." })), Cancellation);
        Assert.True(published.IsSuccessStatusCode);
        await first.ReadUntilAsync("no 150.");
        await second.ReadUntilAsync("no 150.");
        await UntilAsync(() => Ended("deliver").Length == 2 && Ended("publish").Length == 2, "the first and the hundred and first event");

        Assert.Equal(2, Ended("deliver").Select(span => span.TraceId).Distinct().Count());
        Assert.All(Ended("publish"), publish =>
        {
            Assert.NotEqual(default, publish.ParentSpanId);
            var link = Assert.Single(publish.Links).Context;
            var delivery = Assert.Single(Ended("deliver"), span => span.TraceId == link.TraceId);
            Assert.Equal(link.SpanId, delivery.ParentSpanId);
            Assert.Equal(publish.GetTagItem("messaging.message.id"), delivery.GetTagItem("messaging.message.id"));
        });
    }

    private Activity[] Ended(string name) => [.. _ended.Where(span => span.OperationName == name)];

    private ActivityListener Listen()
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name is "SseApp" or "Microsoft.AspNetCore",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
