namespace SseApp.Bench.Compare;

/// <summary>What a proxy in front of our replica adds to an idle stream and to a delivery; the replica alone is the measure.</summary>
internal sealed class ProxyScenario : IScenario
{
    public const string Id = "proxy";
    public const string Steady = "20 events/s to 1 000 streams";
    public const string Idle = "idle streams";
    public const string Alone = "sseapp";
    private const int Streams = 1_000;
    private const int Rate = 20;
    private const int Probes = 200;

    private static readonly TimeSpan s_probeLimit = TimeSpan.FromSeconds(60);

    public string Name => Id;

    public string Title => "A proxy in front of the replica";

    public bool Applies(Subject subject) => subject.Name.StartsWith(Alone, StringComparison.Ordinal);

    public async Task RunAsync(Subject subject, ScenarioContext context)
    {
        var target = await subject.StartAsync(workers: 1, context.CancellationToken);
        var plan = new LoadPlan(target, Streams, 1, 8, 8, context.Options.Size);
        using (var steady = new MeasuredSession(subject, plan, context))
        {
            var connects = steady.Open();
            var publishing = new SteadyPlan(steady.Loop.Lanes, Rate);
            steady.Idle(context.Options.Step * 2, publishing);
            var row = steady.Measure(Id, Steady, publishing, context.Options.Step * 4) with { ConnectsPerSecond = connects };
            // Streams that open while the others have their events.
            if (target.Transport == Transport.Plain)
            {
                var probing = Task.Run(() => FirstByteProbe.Measure(target, plan.TopicName(0), Probes));
                steady.Loop.Run(() => probing.IsCompleted, s_probeLimit, publishing);
                var (p50, p99) = probing.IsCompleted ? probing.GetAwaiter().GetResult() : throw new BenchException($"{subject.Name} did not open {Probes} streams within {s_probeLimit.TotalSeconds} s.");
                row = row with { FirstByteP50 = p50, FirstByteP99 = p99 };
            }

            context.Results.Add(Add(steady.Count(row), context));
        }

        // After it: code is compiled and pools are filled, which belongs to no stream.
        var before = subject.Processes().ResidentKiB();
        var streams = Math.Min(context.Options.ProxiedStreams, context.Options.Streams);
        using var idle = new MeasuredSession(subject, plan with { Streams = streams }, context);
        idle.Open();
        idle.Idle(context.Options.Step * 2);
        var resident = (subject.Processes().ResidentKiB() - before) / (double)streams;
        context.Results.Add(Add(idle.Count(new Measurement(Id, Idle, subject.Name, streams) { KiBPerStream = resident }), context));
    }

    /// <summary>With what the hop adds to the replica alone, which comes first.</summary>
    private static Measurement Add(Measurement row, ScenarioContext context) =>
        context.Find(Id, row.Step, Alone) is { } alone
            ? row with
            {
                AddedCpu = row.CpuPerDelivery - alone.CpuPerDelivery,
                AddedKiB = row.KiBPerStream - alone.KiBPerStream,
                AddedFirstByte = row.FirstByteP99 - alone.FirstByteP99,
            }
            : row;
}
