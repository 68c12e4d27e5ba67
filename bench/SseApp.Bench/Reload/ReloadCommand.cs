namespace SseApp.Bench.Reload;

/// <summary><c>reload</c>: a rolling reload of three replicas under streams and publishes.</summary>
internal static class ReloadCommand
{
    private const int Replicas = 3;
    private const double MaxRatio = 1.5;

    public static Command Create()
    {
        var streams = Cli.Number("--streams", "Streams that reconnect as an EventSource does.", 10_000, 10, 25_000);
        var topics = Cli.Number("--topics", "Topics they are spread over.", 100, 1, 10_000);
        var rate = Cli.Number("--rate", "Events a second, over all topics.", 100, 1, 10_000);
        var window = Cli.Number("--window", "Drain window in seconds.", 5, 1, 60);
        var output = new Option<string?>("--output") { Description = "Folder for reload.svg. Default: artifacts/bench." };
        var command = new Command("reload", "Reload three replicas one after the other under load; check that nothing is lost, repeated or closed, and that reconnects come evenly.")
        {
            streams, topics, rate, window, output,
        };
        command.Runs((result, cancellationToken) => RunAsync(
            result.GetRequiredValue(streams),
            result.GetRequiredValue(topics),
            result.GetRequiredValue(rate),
            TimeSpan.FromSeconds(result.GetRequiredValue(window)),
            result.GetValue(output),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int streams, int topics, int rate, TimeSpan window, string? output, CancellationToken cancellationToken)
    {
        var workspace = new Workspace(garnet: false);
        using var cluster = new ReloadCluster(workspace, window);
        cluster.Require();
        // The gateway holds one socket a stream: those of the replicas share a few relay connections.
        Libc.RequireFiles(streams, $"{streams} streams through a gateway", "--streams");
        try
        {
            await cluster.StartAsync(Replicas, cancellationToken);
            var load = new ReloadLoad(cluster.Gateway, cluster.Operators, streams, topics, rate, window);
            var run = new ReloadRun(load, Cli.Progress);
            var result = await Task.Run(() => run.Execute(reload: null, cancellationToken), cancellationToken);
            var folder = output ?? workspace.Artifacts;
            Directory.CreateDirectory(folder);
            await File.WriteAllTextAsync(Path.Combine(folder, "reload.svg"), ReloadChart.Create(load, result), cancellationToken);
            return Report(load, result) ? 0 : 1;
        }
        finally
        {
            await cluster.EndAsync();
        }
    }

    private static bool Report(ReloadLoad load, ReloadResult result)
    {
        var tally = result.Tally;
        AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"reload {result.State} in {result.Seconds:0.0} s; {result.Published} events to {load.Streams} streams, {tally.Delivered} deliveries");
        foreach (var step in result.Steps)
        {
            AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"  {step.Replica}: {step.Streams} streams in {step.Seconds:0.0} s; at most {step.PeakReconnects} reconnects/s, {step.Ratio:0.00} × even (limit {MaxRatio})");
        }

        AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"lost {tally.Lost}, duplicates {tally.Duplicates}, reordered {tally.Reordered}, gaps {tally.GapsTold}, closed for ever {tally.Closed}, broken {tally.Broken}, publishes not confirmed {tally.PublishFailures}, open {result.Open}");
        return result.State == "succeeded"
            && tally is { Lost: 0, Duplicates: 0, Reordered: 0, GapsTold: 0, Closed: 0, Broken: 0 }
            && result.Open == load.Streams
            && result.Steps.All(step => step.Ratio <= MaxRatio);
    }
}
