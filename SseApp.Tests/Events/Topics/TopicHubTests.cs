using SseApp.Events.Topics;

namespace SseApp.Tests.Events.Topics;

/// <summary>What a hub keeps and queues, and its start and end.</summary>
public sealed class TopicHubTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_hub_that_stopped_gives_all_its_memory_back()
    {
        var log = new ScriptedTopicLog(100);
        log.Publish("first", lost: false, delayed: false);
        await using var rig = new HubRig(log, 10_000);
        var late = 0;
        var ended = 0;
        log.BeforeUnsubscribe = () =>
        {
            log.Publish($"late {late++}", lost: false, delayed: false);
            ended++;
        };
        for (var i = 0; i < 20; i++)
        {
            var (_, close) = await rig.OpenAsync(ResumePoint.Live);
            log.Publish($"{i}", lost: false, delayed: false);
            Assert.NotEqual(0, rig.Budget.Used);
            await close();
            rig.Hubs.Sweep();
            await Eventually.Async(() => ended == i + 1, s_limit, "the subscription to end");
        }

        Assert.Equal(0, rig.Budget.Used);
    }

    [Fact]
    public async Task Without_room_not_even_the_newest_event_is_kept_and_nothing_is_lost()
    {
        var log = new ScriptedTopicLog(100);
        log.Publish("first", lost: false, delayed: false);
        await using var rig = new HubRig(log, 10_000, totalRingBytes: 0);
        var (writer, close) = await rig.OpenAsync(ResumePoint.Live);

        for (var i = 0; i < 10; i++)
        {
            log.Publish($"{i}", lost: false, delayed: false);
            log.Repeat(1);
        }

        await Eventually.Async(() => writer.Events is [.., { Data: "9" }], s_limit, "the events");
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"{i}"), writer.Events.Where(next => next.Type == "message").Select(next => next.Data));
        Assert.Equal(0, rig.Budget.Used);
        Assert.Equal(0, log.Reads);
        await close();
    }

    [Fact]
    public async Task A_topic_that_is_flooded_while_it_starts_goes_on()
    {
        var log = new ScriptedTopicLog(10);
        log.Publish("first", lost: false, delayed: false);
        await using var rig = new HubRig(log, 10_000);
        var padding = new string('x', 60_000);
        log.BeforeRange = async () =>
        {
            for (var i = 0; i < 50; i++)
            {
                log.Publish($"{i} {padding}", lost: false, delayed: false);
            }

            // Time for a read, which must not happen now.
            for (var i = 0; i < 1_000; i++)
            {
                await Task.Yield();
            }
        };

        var (writer, close) = await rig.OpenAsync(ResumePoint.Live with { Earliest = true });
        log.Publish("after", lost: false, delayed: false);

        await Eventually.Async(() => writer.Events is [.., { Data: "after" }], s_limit, "the newest event");
        Assert.Equal(
            ["first", .. Enumerable.Range(0, 50).Select(i => $"{i} {padding}"), "after"], writer.Events.Skip(1).Select(next => next.Data));
        await close();
    }

    [Fact]
    public async Task A_shard_without_room_gets_no_more_from_the_log_and_all_of_it_once_it_has_room()
    {
        const int Bound = 50;
        var log = new ScriptedTopicLog(100);
        log.Publish("first", lost: false, delayed: false);
        await using var rig = new HubRig(log, 100_000, maxQueuedEvents: Bound);
        var (writer, close) = await rig.OpenAsync(ResumePoint.Live);
        await Eventually.Async(() => writer.Events.Length == 1, s_limit, "the stream to open");
        var released = new TaskCompletionSource();
        rig.Block(released.Task);

        for (var i = 0; i < 1_000; i++)
        {
            log.Publish($"{i}", lost: false, delayed: false);
            rig.Hubs.CheckAll();
            await Task.Yield();
        }

        var (queued, reads) = (rig.Queued, log.Reads);
        released.SetResult();
        Assert.InRange(queued, 1, Bound);
        Assert.Equal(0, reads);
        await Eventually.Async(() => writer.Events is [.., { Data: "999" }], s_limit, "the newest event, without a check by the clock");
        Assert.Equal(Enumerable.Range(0, 1_000).Select(i => $"{i}"), writer.Events.Skip(1).Select(next => next.Data));
        await close();
    }

    [Fact]
    public async Task A_log_that_expires_soon_after_the_hub_began_is_no_gap()
    {
        var log = new ScriptedTopicLog(100) { Age = TimeSpan.FromHours(24) };
        log.Publish("old", lost: false, delayed: false);
        await using var rig = new HubRig(log, 10_000);
        var (writer, close) = await rig.OpenAsync(ResumePoint.Live);

        log.Flush();
        await Eventually.Async(
            () =>
            {
                rig.Hubs.CheckAll();
                return log.Reads > 0;
            },
            s_limit,
            "the hub to look at the log");
        log.Publish("new", lost: false, delayed: false);

        await Eventually.Async(() => writer.Events is [.., { Data: "new" }], s_limit, "the new log's event");
        Assert.DoesNotContain(writer.Events, next => next.Type == "stream.gap");
        await close();
    }
}
