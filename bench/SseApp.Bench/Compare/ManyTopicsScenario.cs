namespace SseApp.Bench.Compare;

/// <summary>
/// A topic for each stream, each event a POST of its own from concurrent publishers; ours also in batches, and as lines of requests that stay open. Then the same
/// to topics without a stream: what publishing alone takes, without the send for each delivery.
/// </summary>
internal sealed class ManyTopicsScenario : IScenario
{
    public const string Id = "topics";
    public const string Single = "one POST an event";
    public const string Batch = "batches of 250";
    public const string SingleUnheard = "one POST an event, no stream: confirmed events/s";
    public const string BatchUnheard = "batches of 250, no stream: confirmed events/s";
    public const string Lines = "lines of 4 open requests";
    public const string LinesUnheard = "lines of 4 open requests, no stream: confirmed events/s";
    private const int Publishers = 64;
    private const int LinePublishers = 4;
    private const int LinesTogether = 32;

    // As many as a replica takes, and fewer than there are topics.
    private const int LinesUnderWay = 1_000;
    private const int LinesUnderWayUnheard = 400;
    private const int BatchSize = 250;
    private const int Window = 4_000;
    private const int UnheardTopics = 2_000;

    public string Name => Id;

    public string Title => "A topic for each stream";

    public bool Applies(Subject subject) => !subject.OnlyBehindProxy;

    public async Task RunAsync(Subject subject, ScenarioContext context)
    {
        var target = await subject.StartAsync(workers: 1, context.CancellationToken);
        var streams = context.Streams(subject);
        if (subject is RedisScriptSubject redis)
        {
            foreach (var (step, topics, subscribers) in ((string, int, int)[])[(Single, streams, 1), (SingleUnheard, UnheardTopics, 0)])
            {
                context.Report($"{subject.Name}: {step}");
                var (perSecond, cpu) = await redis.MeasureAsync(topics, subscribers, context.Options.Step, context.Options.Step * 3, target);
                context.Results.Add(new Measurement(Id, step, subject.Name, streams) { DeliveriesPerSecond = perSecond, CpuPerDelivery = cpu });
            }

            return;
        }

        var plan = new LoadPlan(target, streams, streams + UnheardTopics, 1, Publishers, context.Options.Size, LinePublishers: LinePublishers);
        using var session = new MeasuredSession(subject, plan, context);
        var connects = session.Open();
        var (heard, unheard) = (session.Loop.Lanes[..streams], session.Loop.Lanes[streams..]);
        List<Measurement> rows = [Saturate(session, heard, Single, 1, context) with { ConnectsPerSecond = connects }];
        if (target.TakesBatches)
        {
            session.Drain();
            rows.Add(Saturate(session, heard, Batch, BatchSize, context));
            session.Drain();
            rows.Add(Saturate(session, heard, Lines, LinesTogether, context, LinesUnderWay));
        }

        session.Drain();
        rows.Add(Confirm(session, unheard, SingleUnheard, 1, context));
        if (target.TakesBatches)
        {
            session.Drain();
            rows.Add(Confirm(session, unheard, BatchUnheard, BatchSize, context));
            session.Drain();
            rows.Add(Confirm(session, unheard, LinesUnheard, LinesTogether, context, LinesUnderWayUnheard));
        }

        rows[0] = session.Count(rows[0]);
        context.Results.AddRange(rows);
    }

    private static Measurement Confirm(MeasuredSession session, Lane[] lanes, string step, int batch, ScenarioContext context, int lines = 0)
    {
        // The connections of the publishers are the window: each waits for its answer.
        var publishing = new WindowPlan(lanes, int.MaxValue, batch, () => 0, lines);
        session.Idle(context.Options.Step, publishing);
        return session.MeasureConfirmed(Id, step, publishing, context.Options.Step * 3);
    }

    private static Measurement Saturate(MeasuredSession session, Lane[] lanes, string step, int batch, ScenarioContext context, int lines = 0)
    {
        var (sent, delivered) = (session.Loop.Sent, session.Tally.Delivered);
        var publishing = new WindowPlan(
            lanes, Window, batch, () => session.Loop.Sent - sent - (session.Tally.Delivered - delivered), lines);
        session.Idle(context.Options.Step, publishing);
        return session.Measure(Id, step, publishing, context.Options.Step * 3);
    }
}
