using SseApp.Events.Topics;

namespace SseApp.Tests.Events.Topics;

/// <summary>Whatever the channel loses or delays, each client gets each event once and in order, or a gap that names what it misses.</summary>
public sealed class DeliveryModelTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private enum Kind
    {
        Publish,
        PublishLost,
        PublishDelayed,
        Carry,
        Open,
        Close,
        Check,
        Trim,
        Flush,
        GoBack,
        Repeat,
        FailReads,
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public Task Any_loss_and_any_interleaving_is_delivered_once_in_order_or_reported_as_a_gap(int topicCount)
    {
        var topics = new TopicSet([.. Enumerable.Range(1, topicCount).Select(i => $"t{i}")]);
        var step = Gen.Select(
            Gen.Frequency(
                (12, Gen.Const(Kind.Publish)), (3, Gen.Const(Kind.PublishLost)), (4, Gen.Const(Kind.PublishDelayed)), (3, Gen.Const(Kind.Carry)),
                (4, Gen.Const(Kind.Open)), (3, Gen.Const(Kind.Close)), (1, Gen.Const(Kind.Check)), (1, Gen.Const(Kind.Trim)), (1, Gen.Const(Kind.Flush)),
                (1, Gen.Const(Kind.GoBack)), (2, Gen.Const(Kind.Repeat)), (1, Gen.Const(Kind.FailReads))),
            Gen.Int[0, 5],
            Gen.Int[0, topicCount - 1],
            Gen.Bool);
        return Gen.Select(step.Array[1, 80], Gen.Int[0, 3_000], Gen.Int[1, 8]).SampleAsync(
            async (steps, ringBytes, maxPage) =>
            {
                ScriptedTopicLog[] logs = [.. topics.Names.Select(_ => new ScriptedTopicLog(maxPage))];
                await using var rig = new HubRig(new ScriptedTopicLogs(topics.Names.Zip(logs).ToDictionary()), ringBytes, topics: topics);
                ModelClient[] clients = [.. Enumerable.Range(0, 6).Select(slowness => new ModelClient(rig, topics, logs, slowness))];
                var number = 0;
                foreach (var (kind, value, topic, pause) in steps)
                {
                    await StepAsync(kind, value, rig, logs[topic], clients[value], () => $"{number++}");
                    if (pause)
                    {
                        await Task.Yield();
                    }
                }

                Array.ForEach(logs, log => log.FailReads(0));
                Array.ForEach(logs, log => log.Carry());
                var open = Array.FindAll(clients, client => client.IsOpen);
                await Eventually.Async(
                    () =>
                    {
                        rig.Hubs.CheckAll();
                        return open.All(client => client.IsAtEnd);
                    },
                    s_limit,
                    "every client to be at the log's end");
                foreach (var client in open)
                {
                    await client.CloseAsync();
                }
            },
            iter: 300,
            threads: 1);
    }

    [Fact]
    public async Task A_log_that_lost_its_newest_events_is_reported_as_a_gap_and_not_passed_off_as_known()
    {
        var log = new ScriptedTopicLog(100);
        await using var rig = new HubRig(log, 10_000);
        var (writer, close) = await rig.OpenAsync(ResumePoint.Live);
        await DeliverTenAsync(log, writer);
        log.GoBack(3);
        log.Publish("again 8", lost: false, delayed: false);
        await Eventually.Async(() => writer.Events.Any(next => next.Type == "stream.gap"), s_limit, "the gap");
        log.Publish("after", lost: false, delayed: false);

        await Eventually.Async(() => writer.Events.LastOrDefault()?.Data == "after", s_limit, "the event after the gap");
        Assert.Equal([.. Enumerable.Range(1, 10).Select(i => $"{i}"), "after"], writer.Events.Where(next => next.Type == "message").Select(next => next.Data));
        Assert.Contains("\"reason\":\"epoch\",\"from\":11", writer.Events.Single(next => next.Type == "stream.gap").Data, StringComparison.Ordinal);
        await close();
    }

    [Fact]
    public async Task A_log_that_went_back_is_noticed_without_another_event()
    {
        var log = new ScriptedTopicLog(100);
        await using var rig = new HubRig(log, 10_000);
        var (writer, close) = await rig.OpenAsync(ResumePoint.Live);
        log.Publish("1", lost: false, delayed: false);
        log.Publish("2", lost: false, delayed: false);
        await Eventually.Async(() => writer.Events.LastOrDefault()?.Data == "2", s_limit, "two events");
        log.GoBack(1);

        await Eventually.Async(
            () =>
            {
                rig.Hubs.CheckAll();
                return writer.Events.Any(next => next.Type == "stream.gap");
            },
            s_limit,
            "the gap");
        await close();
    }

    [Theory]
    [InlineData(10_000, 0)]
    [InlineData(10_000, 1)]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    public async Task Other_events_at_the_offsets_of_lost_ones_are_reported_as_a_gap(int ringBytes, int live)
    {
        var log = new ScriptedTopicLog(100);
        await using var rig = new HubRig(log, ringBytes);
        var (writer, close) = await rig.OpenAsync(ResumePoint.Live);
        await DeliverTenAsync(log, writer);
        log.GoBack(2);
        log.Publish("other 9", lost: true, delayed: false);
        log.Publish("other 10", lost: true, delayed: false);
        for (var i = 0; i < live; i++)
        {
            log.Publish("other 11", lost: false, delayed: false);
        }

        await Eventually.Async(
            () =>
            {
                rig.Hubs.CheckAll();
                return writer.Events.Any(next => next.Type == "stream.gap");
            },
            s_limit,
            "the gap");
        Assert.Equal(Enumerable.Range(1, 10).Select(i => $"{i}"), writer.Events.Where(next => next.Type == "message").Select(next => next.Data));
        await close();
    }

    [Theory]
    [InlineData(1_000_000)]
    [InlineData(0)]
    public async Task Two_thousand_streams_that_resume_from_the_log_cost_few_reads(int ringBytes)
    {
        var log = new ScriptedTopicLog(1_000);
        for (var i = 1; i <= 500; i++)
        {
            log.Publish($"{i}", lost: false, delayed: false);
        }

        await using var rig = new HubRig(log, ringBytes);
        var random = new Random(7);
        var mark = log.End.Position.Epoch.Mark(PositionCodec.MarkBits(1));
        var offsets = Enumerable.Range(0, 2_000).Select(_ => (long)random.Next(100, 500)).ToArray();
        var streams = await Task.WhenAll(offsets.Select(offset => Task.Run(() => rig.OpenAsync(ResumePoint.Live with { Positions = [new MarkedPosition(mark, offset)] }))));

        await Eventually.Async(() => streams.All(stream => stream.Writer.Events is [.., { Data: "500" }]), s_limit, "all streams to have the newest event");
        for (var i = 0; i < streams.Length; i++)
        {
            Assert.Equal(Enumerable.Range((int)offsets[i] + 1, 500 - (int)offsets[i]).Select(n => $"{n}"), streams[i].Writer.Events.Skip(1).Select(next => next.Data));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{log.Reads} reads");
        Assert.InRange(log.Reads, 1, ringBytes > 0 ? 20 : 2_000);
    }

    private static async Task DeliverTenAsync(ScriptedTopicLog log, MemoryStreamWriter writer)
    {
        for (var i = 1; i <= 10; i++)
        {
            log.Publish($"{i}", lost: false, delayed: false);
        }

        await Eventually.Async(() => writer.Events.LastOrDefault()?.Data == "10", s_limit, "ten events");
    }

    private static async Task StepAsync(Kind kind, int value, HubRig rig, ScriptedTopicLog log, ModelClient client, Func<string> data)
    {
        switch (kind)
        {
            case Kind.Publish or Kind.PublishLost or Kind.PublishDelayed:
                log.Publish(data(), lost: kind == Kind.PublishLost, delayed: kind == Kind.PublishDelayed);
                break;
            case Kind.Carry:
                log.Carry();
                break;
            case Kind.Open when !client.IsOpen:
                await client.OpenAsync(value switch
                {
                    0 or 1 => ResumePoint.Live,
                    2 or 3 => ResumePoint.Live with { Earliest = true },
                    _ => ResumePoint.Live with { History = value },
                });
                break;
            case Kind.Close when client.IsOpen:
                await client.CloseAsync();
                break;
            case Kind.Check:
                rig.Hubs.CheckAll();
                break;
            case Kind.Trim:
                log.Trim(value);
                break;
            case Kind.Flush:
                log.Flush();
                break;
            case Kind.GoBack:
                log.GoBack(value);
                break;
            case Kind.Repeat:
                log.Repeat(value);
                break;
            case Kind.FailReads:
                log.FailReads(value);
                break;
        }
    }
}
