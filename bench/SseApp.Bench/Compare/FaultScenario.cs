namespace SseApp.Bench.Compare;

/// <summary>One of two workers is killed under load; the streams reconnect as an EventSource does.</summary>
internal sealed class FaultScenario : IScenario
{
    public const string Id = "fault";
    public const string Killed = "a worker killed";
    private const int Streams = 1_000;
    private const int Rate = 20;
    private static readonly TimeSpan s_before = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan s_after = TimeSpan.FromSeconds(12);

    public string Name => Id;

    public string Title => "One of two workers killed under 20 events/s to 1 000 reconnecting streams";

    public bool Applies(Subject subject) => subject.CanLoseWorker && !subject.IsPart;

    public async Task RunAsync(Subject subject, ScenarioContext context)
    {
        var target = await subject.StartAsync(workers: 2, context.CancellationToken);
        var plan = new LoadPlan(target, Streams, 1, 8, 8, context.Options.Size, Reconnect: true);
        using var session = new MeasuredSession(subject, plan, context);
        session.Open();
        var publishing = new SteadyPlan(session.Loop.Lanes, Rate);
        session.Measure(Id, "before", publishing, s_before);
        var ended = session.Tally.Ended;
        var killing = subject.KillWorkerAsync(context.CancellationToken);
        var row = session.Measure(Id, Killed, publishing, s_after);
        await killing;
        row = session.Count(row with { CpuPerDelivery = null, DeliveriesPerSecond = null });
        var reconnects = $"{session.Tally.Ended - ended} reconnects";
        context.Results.Add(row with { Note = row.Note is null ? reconnects : $"{reconnects}; {row.Note}" });
    }
}
