namespace SseApp.Tests.Events.TopicApi;

/// <summary>What an id means: the answer says what a stream that resumes from it then really begins with.</summary>
public sealed class PositionTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_id_tells_its_topics_offsets_and_how_many_events_come_next()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var live = await host.SubscribeAsync("a", "b");
        await PublishAsync(host, "a", "b", "a");
        var id = (await live.NextAsync())!.LastEventId;

        var position = await AskAsync(host, id, "b", "a");

        Assert.True(position.GetProperty("known").GetBoolean());
        Assert.Equal([("a", 1, 2, 1), ("b", 0, 1, 1)], Topics(position));
        Assert.All(position.GetProperty("topics").EnumerateArray(), topic => Assert.Equal(JsonValueKind.Null, topic.GetProperty("gap").ValueKind));
        await using var resumed = await host.ResumeAsync(id, "a", "b");
        Assert.True((await resumed.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal(2, (await resumed.DataAsync(2)).Count);
    }

    [Theory]
    [InlineData("expired")]
    [InlineData("epoch")]
    [InlineData("unknown-position")]
    public async Task A_gap_that_a_stream_would_get_is_told_with_the_same_bounds(string reason)
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("TopicLog:MaxEvents", "3"));
        await using var live = await host.SubscribeAsync("a");
        await PublishAsync(host, "a");
        var id = (await live.NextAsync())!.LastEventId;
        switch (reason)
        {
            case "expired":
                await PublishAsync(host, [.. Enumerable.Repeat("a", 200)]);
                break;
            case "epoch":
                using (await host.Operator.DeleteAsync("/topics/a", Cancellation))
                {
                }

                await PublishAsync(host, "a", "a");
                break;
            default:
                id = "nothing";
                break;
        }

        // One that has nothing in memory: the first may still have what the log has not.
        await using var other = await EventsHost.StartAsync(redis, host.Prefix, ("TopicLog:MaxEvents", "3"));
        var topic = Assert.Single((await AskAsync(other, id, "a")).GetProperty("topics").EnumerateArray());

        await using var resumed = await other.ResumeAsync(id, "a");
        await resumed.OpenedAsync();
        var gap = await resumed.NextAsync();
        Assert.Equal(reason, topic.GetProperty("gap").GetProperty("reason").GetString());
        Assert.Equal("stream.gap", gap!.Type);
        Assert.Equal(gap.Data, JsonSerializer.Serialize(topic.GetProperty("gap")));
        var events = topic.GetProperty("events").GetInt32();
        Assert.Equal(events, (await resumed.DataAsync(events)).Count);
    }

    [Theory]
    [InlineData("lastEventId=x")]
    [InlineData("topic=a")]
    [InlineData("topic=a&lastEventId=")]
    [InlineData("topic=a&lastEventId=x&lastEventId=y")]
    [InlineData("topic=%20&lastEventId=x")]
    public async Task A_question_that_is_none_is_400_and_says_the_rule(string query)
    {
        await using var host = await EventsHost.StartAsync(redis);
        using var answer = await host.Client.GetAsync($"/events/position?{query}", Cancellation);

        Assert.Equal((HttpStatusCode.BadRequest, "application/problem+json"), (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType));
    }

    private static async Task PublishAsync(EventsHost host, params string[] topics)
    {
        foreach (var topic in topics)
        {
            using var answer = await host.PublishAsync(topic, "x");
            answer.EnsureSuccessStatusCode();
        }
    }

    private static Task<JsonElement> AskAsync(EventsHost host, string id, params string[] topics) => host.Client.GetFromJsonAsync<JsonElement>(
        $"/events/position?{string.Join('&', topics.Select(topic => $"topic={topic}"))}&lastEventId={Uri.EscapeDataString(id)}", Cancellation);

    private static (string?, int, int, int)[] Topics(JsonElement position) =>
    [
        .. position.GetProperty("topics").EnumerateArray().Select(topic =>
            (topic.GetProperty("topic").GetString(), topic.GetProperty("offset").GetInt32(), topic.GetProperty("lastOffset").GetInt32(), topic.GetProperty("events").GetInt32())),
    ];
}
