namespace SseApp.Bench.Load;

/// <summary><c>load</c>: N streams over T topics, a steady publish, and what came of it.</summary>
internal static class LoadCommand
{
    private const int Publishers = 8;

    public static Command Create()
    {
        var url = new Option<Uri>("--url")
        {
            Description = "Gateway or replica, plain http: the generator writes to raw sockets.",
            DefaultValueFactory = _ => new Uri("http://localhost:8080"),
            CustomParser = result =>
            {
                if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var parsed) && parsed.Scheme == Uri.UriSchemeHttp)
                {
                    return parsed;
                }

                result.AddError($"--url must be an absolute http address such as http://localhost:8080, not '{result.Tokens[0].Value}'.");
                return null;
            },
        };
        var streams = Cli.Number("--streams", "Streams to hold open.", 300, 1, 20_000);
        var topics = Cli.Number("--topics", "Topics to spread them over.", 1, 1, 20_000);
        var rate = Cli.Number("--rate", "Publishes a second.", 20, 1, 100_000);
        var seconds = Cli.Number("--seconds", "Length of the publishing phase.", 10, 1, 600);
        var size = Cli.Number("--size", "Bytes of data in an event.", 100, 48, 65_529);
        var command = new Command("load", "Hold streams open, publish at a steady rate, check that nothing is lost, repeated or reordered.")
        {
            url, streams, topics, rate, seconds, size,
        };
        command.Runs((result, cancellationToken) => Task.Run(
            () =>
            {
                var topicCount = result.GetRequiredValue(topics);
                // One publish of a lane at a time: few topics need several lanes each to keep all publishers at work.
                var lanes = Math.Max(1, Publishers / topicCount);
                var plan = new LoadPlan(
                    Target.Ours(result.GetRequiredValue(url)), result.GetRequiredValue(streams), topicCount, lanes, Publishers, result.GetRequiredValue(size));
                return Run(plan, result.GetRequiredValue(rate), result.GetRequiredValue(seconds), cancellationToken);
            },
            cancellationToken));
        return command;
    }

    /// <returns>0 when every publish was confirmed and nothing was lost, repeated or reordered, else 1.</returns>
    private static int Run(LoadPlan plan, int rate, int seconds, CancellationToken cancellationToken)
    {
        Libc.RequireFiles(plan.Streams, $"{plan.Streams} streams", "--streams");
        using var session = new LoadSession(plan, Cli.Progress, cancellationToken);
        var connects = session.Open();
        Cli.Progress($"publishing for {seconds} s");
        var loop = session.Loop;
        var wanted = (long)rate * seconds;
        var started = Stopwatch.GetTimestamp();
        // A second more, so that a stall at the very end costs no publish.
        loop.Run(() => loop.Sent >= wanted, TimeSpan.FromSeconds(seconds + 1), new SteadyPlan(loop.Lanes, rate));
        var publishing = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var tally = session.Count();
        var accepted = loop.Lanes.Sum(lane => lane.Acknowledged);

        var table = new Table().AddColumns("figure", "value");
        Row("streams", $"{plan.Streams} over {plan.Topics} topics");
        Row("connects/s", $"{connects:0}");
        Row("publishes", $"{accepted} of {wanted} accepted, {accepted / publishing:0.0}/s");
        Row("publishes not confirmed", $"{tally.PublishFailures}{(tally.PublishFailures > 0 ? $" ({tally.FirstFailure})" : "")}");
        Row("deliveries", $"{tally.Delivered}, {tally.Delivered / publishing:0}/s");
        Row("latency p50 / p99 / max", $"{tally.Latency(50):0.0} / {tally.Latency(99):0.0} / {tally.Latency(100):0.0} ms");
        Row("lost", $"{tally.Lost}");
        Row("repeated", $"{tally.Duplicates}");
        Row("reordered", $"{tally.Reordered}");
        Row("streams ended by the server", $"{tally.Ended}");
        AnsiConsole.Write(table);
        return tally is { Lost: 0, Duplicates: 0, Reordered: 0, PublishFailures: 0 } ? 0 : 1;

        void Row(string name, FormattableString value) => table.AddRow(name, Markup.Escape(value.ToString(CultureInfo.InvariantCulture)));
    }
}
