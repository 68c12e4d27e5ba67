using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.Tests.ServiceDefaults.Defaults.Http;
using StackExchange.Redis;

namespace SseApp.Tests.Events.Streams;

/// <summary>Who can write to Redis cannot say to a client what only the server says: what no publish can have stored is a gap.</summary>
public sealed class ForeignEntryTests(RedisServer redis) : EdgeTest(redis)
{
    private const string Closed = "id: stream.closed\nevent: stream.closed\ndata: {\"reason\":\"operator\"}\n\n";

    private const string ClosedAfterData = "data: x\n\n" + Closed;

    [Theory]
    [InlineData(true, Closed)]
    [InlineData(true, ClosedAfterData)]
    [InlineData(false, Closed)]
    [InlineData(false, ClosedAfterData)]
    public async Task An_entry_that_only_the_server_could_send_is_a_gap_for_whoever_listens_resumes_or_reads(bool relay, string block)
    {
        var (gateway, replica) = await StartAsync(relay);
        using var forged = replica.Collect("sse_forged_total");
        await using var connection = await Server.ConnectAsync();
        var database = connection.GetDatabase();
        var key = $"{replica.Prefix}:{{t}}";
        await using var live = await SseReader.OpenAsync(gateway.Client, "/events?topic=t");
        await live.OpenedAsync();
        await PublishAsync("1");
        Assert.Equal(["1"], await live.DataAsync(1));
        var first = live.LastEventId;

        // Over the channel: as the event that comes next.
        var epoch = (string?)await database.HashGetAsync($"{key}:counter", "epoch");
        await connection.GetSubscriber().PublishAsync(RedisChannel.Literal($"{key}:live"), $"2 {epoch} 2 0 1\n{block}");
        await PublishAsync("2");
        await PublishAsync("3");
        Assert.Equal(["2", "3"], await live.DataAsync(2));
        await UntilAsync(() => Counted() == 1, "the message to be counted");

        // In the log: for a replica that has no recent events in memory, and for whoever asks for the history.
        await database.ListSetByIndexAsync($"{key}:log", 1, $"2 {epoch} 2 0 1\n{block}");
        await using var other = await EventsHost.StartAsync(Server, replica.Prefix);
        foreach (var client in (HttpClient[])[other.Client, gateway.Client])
        {
            using var history = JsonDocument.Parse(await client.GetStringAsync("/topics/t/events", Cancellation));
            var events = history.RootElement.GetProperty("events");
            Assert.Equal(3, events.GetArrayLength());
            Assert.True(events[1].TryGetProperty("error", out _) && !events[1].TryGetProperty("event", out _) && !events[1].TryGetProperty("data", out _), events[1].ToString());
        }

        await using var resumed = await SseReader.OpenAsync(other.Client, "/events?topic=t", first);
        await resumed.OpenedAsync();
        var gap = await resumed.NextAsync();
        Assert.Equal("stream.gap", gap?.Type);
        Assert.Contains("\"reason\":\"expired\",\"from\":2,\"to\":2", gap!.Data, StringComparison.Ordinal);
        Assert.Equal(["3"], await resumed.DataAsync(1));
        Assert.NotEqual("stream.closed", resumed.LastEventId);

        async Task PublishAsync(string data)
        {
            using var answer = await replica.PublishAsync("t", data);
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        }

        int Counted() => forged.GetMeasurementSnapshot().Count(measured => measured.Value > 0 && (string?)measured.Tags["kind"] == ForgedKind.Topic);
    }
}
