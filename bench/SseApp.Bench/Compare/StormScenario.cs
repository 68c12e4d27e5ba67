namespace SseApp.Bench.Compare;

/// <summary>All clients come back at once: to a process that is warm, to one that has just started, and after the death of a gateway.</summary>
internal sealed class StormScenario : IScenario
{
    public const string Id = "storm";
    public const string Killed = "whole again after the kill of the only gateway";
    public const string TwoGateways = "at once, warm, two gateways";
    public const string OneOfTwoKilled = "whole again after the kill of one of two gateways";
    private const int Rounds = 3;

    // Of others, what is installed beside it says no more.
    private static readonly string[] s_subjects = ["nchan", "node", "aspnet", "sseapp", "sseapp-gateway", "sseapp-nginx", KestrelSubject.Id];
    private static readonly int[] s_sizes = [1_000, 5_000, 9_500];

    public string Name => Id;

    public string Title => "A storm: all clients come back at once";

    /// <summary>The step of a process that has had storms before.</summary>
    public static string Warm(int streams) => string.Create(CultureInfo.InvariantCulture, $"{streams:#,0} at once, warm");

    /// <summary>The step of a process that has just started.</summary>
    public static string Cold(int streams) => string.Create(CultureInfo.InvariantCulture, $"{streams:#,0} at once, just started");

    public bool Applies(Subject subject) => s_subjects.Contains(subject.Name);

    public async Task RunAsync(Subject subject, ScenarioContext context)
    {
        var sizes = Array.FindAll(s_sizes, size => size <= context.Options.Streams);
        sizes = sizes.Length == 0 ? [context.Options.Streams] : sizes;
        var (smallest, largest) = (sizes[0], sizes[^1]);
        var target = await subject.StartAsync(workers: 1, context.CancellationToken);
        var storm = new Storm(subject, target, context);

        await ColdAsync(storm, smallest, subject, context);
        WarmRounds(storm, smallest, context);
        await Task.Delay(context.Options.Step, TimeProvider.System, context.CancellationToken);
        // Code is compiled and pools are filled, which belongs to no stream.
        var resident = subject.Processes().ResidentKiB();
        if (largest > smallest)
        {
            WarmRounds(storm, largest, context, resident);
        }

        foreach (var size in sizes[1..])
        {
            if (size < largest)
            {
                context.Results.Add(storm.Run(size, Warm(size)));
            }

            await ColdAsync(storm, size, subject, context);
        }

        if (subject is OursSubject { HasGateway: true } ours)
        {
            context.Results.Add(await storm.KillAsync(largest, Killed, onlyOne: true, ours.RestartGatewayAsync));
            var both = new Storm(subject, await ours.StartSecondGatewayAsync(target, context.CancellationToken), context);
            // The second one compiles what it does.
            both.Run(smallest, TwoGateways);
            WarmRounds(both, largest, context, step: TwoGateways);
            context.Results.Add(await both.KillAsync(largest, OneOfTwoKilled, onlyOne: false, ours.RestartGatewayAsync));
        }
    }

    private static async Task ColdAsync(Storm storm, int streams, Subject subject, ScenarioContext context)
    {
        if (subject.ForgetsOnRestart)
        {
            await subject.RestartAsync(which: null, context.CancellationToken);
        }

        var load = storm.Prepare(streams);
        if (!subject.ForgetsOnRestart)
        {
            await subject.RestartAsync(which: null, context.CancellationToken);
        }

        context.Results.Add(storm.Run(load, Cold(streams)));
    }

    /// <summary>Several, of which the one in the middle is the row.</summary>
    private static void WarmRounds(Storm storm, int streams, ScenarioContext context, long? residentBefore = null, string? step = null)
    {
        var rounds = Enumerable.Range(1, Rounds)
            .Select(round => storm.Run(streams, step ?? Warm(streams), round == Rounds ? residentBefore : null))
            .OrderBy(row => row.ConnectsPerSecond).ToList();
        var row = rounds[Rounds / 2];
        var spread = string.Create(CultureInfo.InvariantCulture, $"{rounds[0].ConnectsPerSecond:#,0} to {rounds[^1].ConnectsPerSecond:#,0} in {Rounds} rounds");
        context.Results.Add(row with
        {
            KiBPerStream = rounds.Max(other => other.KiBPerStream),
            PublishP99 = rounds.Max(other => other.PublishP99),
            Errors = rounds.Sum(other => other.Errors),
            Refusals = rounds.Sum(other => other.Refusals),
            Lost = rounds.Sum(other => other.Lost),
            Duplicates = rounds.Sum(other => other.Duplicates),
            Reordered = rounds.Sum(other => other.Reordered),
            Note = row.Note is null ? spread : $"{spread}; {row.Note}",
        });
    }
}
