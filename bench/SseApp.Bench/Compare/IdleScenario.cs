namespace SseApp.Bench.Compare;

/// <summary>What an open stream costs while nothing happens.</summary>
internal sealed class IdleScenario : IScenario
{
    public const string Id = "idle";
    public const string Resident = "resident memory";
    private const int FirstStreams = 200;

    public string Name => Id;

    public string Title => "Idle streams";

    public async Task RunAsync(Subject subject, ScenarioContext context)
    {
        var target = await subject.StartAsync(workers: 1, context.CancellationToken);
        // Code that is compiled and pools that are filled once belong to no stream.
        var plan = new LoadPlan(target, FirstStreams, 1, 1, 1, context.Options.Size);
        using (var first = new MeasuredSession(subject, plan, context))
        {
            first.Open();
            first.Idle(context.Options.Step);
        }

        var streams = context.Streams(subject);
        using var session = new MeasuredSession(subject, plan with { Streams = streams }, context);
        var before = subject.Processes().ResidentKiB();
        var connects = session.Open();
        context.Report($"{subject.Name}: {streams} idle streams");
        session.Idle(context.Options.Step * 4);
        var after = subject.Processes().ResidentKiB();
        context.Results.Add(session.Count(new Measurement(Id, Resident, subject.Name, streams)
        {
            KiBPerStream = (after - before) / (double)streams,
            ConnectsPerSecond = connects,
        }));
    }
}
