namespace SseApp.Bench.Greedy;

/// <summary><c>greedy</c>: what ordinary streams notice of clients that take all they can get.</summary>
internal static class GreedyCommand
{
    private const int Replicas = 2;
    private const int Streams = 500;
    private const int Topics = 20;
    private const int Publishers = 8;
    private const int Size = 100;
    private const double MaxRatio = 2;

    // What a process does for the first time, it compiles first, here for the clients as for the streams: that is not what is measured.
    private static readonly TimeSpan s_warm = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        var seconds = Cli.Number("--seconds", "How long the greedy clients are at work; as long before without them.", 60, 5, 600);
        var rate = Cli.Number("--rate", "Events a second to the ordinary streams.", 50, 1, 1_000);
        var kinds = new Option<string[]>("--kinds") { Description = "Only these clients, by name.", AllowMultipleArgumentsPerToken = true };
        kinds.AcceptOnlyFromAmong([.. GreedyClient.All.Select(client => client.Name)]);
        var each = new Option<bool>("--each") { Description = "One kind after the other, not all at once." };
        var command = new Command("greedy", $"One client of each kind that a budget is for, at full speed, beside {Streams} streams: what is lost, and the delays of deliveries before and beside them.")
        {
            seconds, rate, kinds, each, Clients(),
        };
        command.Runs((result, cancellationToken) =>
            RunAsync(TimeSpan.FromSeconds(result.GetRequiredValue(seconds)), result.GetRequiredValue(rate), result.GetValue(kinds) ?? [], result.GetValue(each), cancellationToken));
        return command;
    }

    /// <summary>The greedy clients are a process of their own: they must not take the generator's time, which would be measured.</summary>
    private static Command Clients()
    {
        var url = new Option<string>("--url") { Required = true };
        var seconds = Cli.Number("--seconds", "How long.", 60, 1, 600);
        var kinds = new Option<string[]>("--kinds") { AllowMultipleArgumentsPerToken = true };
        var command = new Command("clients") { url, seconds, kinds };
        command.Hidden = true;
        command.Runs(async (result, cancellationToken) =>
        {
            // Where it counts they are on other machines, and take nothing from the services but what they are answered.
            using (var self = Process.GetCurrentProcess())
            {
                self.PriorityClass = ProcessPriorityClass.Idle;
            }

            var gateway = new Uri(result.GetRequiredValue(url));
            var chosen = result.GetValue(kinds) is { Length: > 0 } named ? named : [.. GreedyClient.All.Select(client => client.Name)];
            GreedyRun[] runs = [.. GreedyClient.All.Index().Where(client => chosen.Contains(client.Item.Name, StringComparer.Ordinal)).Select(client => new GreedyRun(client.Item, gateway, client.Index))];
            await Task.Delay(TimeSpan.FromSeconds(result.GetRequiredValue(seconds)), TimeProvider.System, cancellationToken);
            await Task.WhenAll(runs.Select(run => run.DisposeAsync().AsTask()));
            var used = Environment.CpuUsage.TotalTime.TotalSeconds;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"CPU of the greedy clients: {used / result.GetRequiredValue(seconds):0.00} cores"));
            foreach (var run in runs)
            {
                Console.WriteLine($"{run.Name}: {string.Join(", ", run.Answers.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Value} × {pair.Key}"))}");
            }

            return 0;
        });
        return command;
    }

    private static async Task<int> RunAsync(TimeSpan duration, int rate, string[] kinds, bool each, CancellationToken cancellationToken)
    {
        var workspace = new Workspace(garnet: false);
        using var cluster = new GreedyCluster(workspace);
        cluster.Require();
        try
        {
            var plan = new LoadPlan(await cluster.StartAsync(Replicas, cancellationToken), Streams, Topics, 1, Publishers, Size);
            return await Task.Run(() => Measure(workspace, cluster, plan, duration, rate, kinds, each, cancellationToken), cancellationToken);
        }
        finally
        {
            await cluster.StopAsync();
        }
    }

    private static async Task<int> Measure(Workspace workspace, GreedyCluster cluster, LoadPlan plan, TimeSpan duration, int rate, string[] kinds, bool each, CancellationToken cancellationToken)
    {
        using var session = new LoadSession(plan, Cli.Progress, cancellationToken);
        session.Open();
        Cli.Progress("warming up, greedy clients too");
        var early = ServerProcess.Start(workspace, "greedy.clients.early", cores: null, Arguments(cluster.Gateway, s_warm, kinds));
        session.Idle(s_warm, new SteadyPlan(session.Loop.Lanes, rate));
        await early.WaitForExitAsync(cancellationToken);
        session.Idle(s_settle, new SteadyPlan(session.Loop.Lanes, rate));
        var calm = Delays(session, cluster, duration, rate, "alone");
        var good = true;
        foreach (var turn in each ? GreedyClient.All.Select(client => client.Name).Where(name => kinds.Length == 0 || kinds.Contains(name, StringComparer.Ordinal)).Select(name => (string[])[name]) : [kinds])
        {
            var clients = ServerProcess.Start(workspace, "greedy.clients", cores: null, Arguments(cluster.Gateway, duration, turn));
            var beside = Delays(session, cluster, duration, rate, turn is [] ? "beside greedy clients" : $"beside {string.Join(", ", turn)}");
            good &= await clients.WaitForExitAsync(cancellationToken) == 0 && beside.P99 <= MaxRatio * calm.P99;
            Cli.Progress(await File.ReadAllTextAsync(workspace.Log("greedy.clients"), cancellationToken));
            AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"{plan.Streams} streams, {rate} events/s; delay p50 / p99: {calm.P50:0.0} / {calm.P99:0.0} ms alone, {beside.P50:0.0} / {beside.P99:0.0} ms beside greedy clients; p99 {beside.P99 / calm.P99:0.00} × (limit {MaxRatio})");
        }

        var tally = session.Count();
        AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"delivered {tally.Delivered}, lost {tally.Lost}, repeated {tally.Duplicates}, reordered {tally.Reordered}, gaps {tally.GapsTold}, streams ended {tally.Ended}, publishes not confirmed {tally.PublishFailures}");
        return good && tally is { Lost: 0, Duplicates: 0, Reordered: 0, GapsTold: 0, Ended: 0, PublishFailures: 0 } ? 0 : 1;
    }

    private static (double P50, double P99) Delays(LoadSession session, GreedyCluster cluster, TimeSpan duration, int rate, string what)
    {
        Cli.Progress(string.Create(CultureInfo.InvariantCulture, $"{what}, {duration.TotalSeconds:0} s"));
        session.Tally.ResetLatency();
        var (own, before) = (Environment.CpuUsage.TotalTime, cluster.Cpu());
        session.Idle(duration, new SteadyPlan(session.Loop.Lanes, rate));
        var used = cluster.Cpu().Zip(before, (after, earlier) => (after.Name, Seconds: (after.Microseconds - earlier.Microseconds) / 1e6))
            .Append((Name: "generator", Seconds: (Environment.CpuUsage.TotalTime - own).TotalSeconds));
        Cli.Progress(string.Create(CultureInfo.InvariantCulture, $"cores: {string.Join(", ", used.Select(part => FormattableString.Invariant($"{part.Name} {part.Seconds / duration.TotalSeconds:0.00}")))}"));
        return (session.Tally.Latency(50), session.Tally.Latency(99));
    }

    private static string[] Arguments(Uri gateway, TimeSpan duration, string[] kinds) =>
    [
        "dotnet", typeof(GreedyCommand).Assembly.Location, "greedy", "clients", "--url", gateway.AbsoluteUri,
        "--seconds", duration.TotalSeconds.ToString("0", CultureInfo.InvariantCulture),
        .. kinds.Length > 0 ? ["--kinds", .. kinds] : Array.Empty<string>(),
    ];
}
