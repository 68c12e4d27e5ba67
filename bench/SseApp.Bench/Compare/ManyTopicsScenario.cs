using SseApp.Bench.Generator;
using SseApp.Bench.Subjects;

namespace SseApp.Bench.Compare;

/// <summary>A topic for each stream, each event a POST of its own from concurrent publishers; ours also in batches.</summary>
internal sealed class ManyTopicsScenario : IScenario
{
    public const string Id = "topics";
    public const string Single = "one POST an event";
    public const string Batch = "batches of 250";
    private const int Publishers = 64;
    private const int BatchSize = 250;
    private const int Window = 4_000;

    public string Name => Id;

    public string Title => "A topic for each stream";

    public int Workers => 1;

    public bool Applies(ISubject subject) => true;

    public Task RunAsync(ISubject subject, ScenarioContext context) => Task.Run(async () =>
    {
        var target = await subject.StartAsync(Workers, context.CancellationToken);
        var streams = context.Streams(subject);
        var plan = new LoadPlan(target, streams, streams, 1, Publishers, context.Options.Size);
        using var session = new LoadSession(subject, plan, context.Report, context.CancellationToken);
        var connects = session.Open();
        var row = Saturate(session, Single, 1, context) with { ConnectsPerSecond = connects };
        if (target.BatchPath is null)
        {
            context.Results.Add(session.Count(row));
            return;
        }

        session.Drain();
        var batch = Saturate(session, Batch, BatchSize, context);
        context.Results.Add(session.Count(row));
        context.Results.Add(batch);
    });

    private static Measurement Saturate(LoadSession session, string step, int batch, ScenarioContext context)
    {
        var (sent, delivered) = (session.Loop.Sent, session.Tally.Delivered);
        var publishing = new WindowPlan(
            session.Loop.Lanes, Window, batch, () => session.Loop.Sent - sent - (session.Tally.Delivered - delivered));
        session.Idle(context.Options.Step, publishing);
        return session.Measure(Id, step, publishing, context.Options.Step * 3);
    }
}
