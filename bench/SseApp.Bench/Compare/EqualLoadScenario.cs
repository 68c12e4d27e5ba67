namespace SseApp.Bench.Compare;

/// <summary>The same modest load for each: 20 events a second to 1 000 streams.</summary>
internal sealed class EqualLoadScenario : IScenario
{
    public const string Id = "equal";
    public const string Steady = "20 000 deliveries/s";
    private const int Streams = 1_000;
    private const int Rate = 20;

    public string Name => Id;

    public string Title => "Equal load: 20 events/s to 1 000 streams";

    public async Task RunAsync(Subject subject, ScenarioContext context)
    {
        var target = await subject.StartAsync(workers: 1, context.CancellationToken);
        var plan = new LoadPlan(target, Streams, 1, 8, 8, context.Options.Size);
        using var session = new MeasuredSession(subject, plan, context);
        var connects = session.Open();
        var publishing = new SteadyPlan(session.Loop.Lanes, Rate);
        session.Idle(context.Options.Step * 2, publishing);
        var row = session.Measure(Id, Steady, publishing, context.Options.Step * 4) with { ConnectsPerSecond = connects };
        context.Results.Add(session.Count(row));
    }
}
