namespace SseApp.Bench.During;

/// <summary><c>during</c>: streams and publishes at a cluster that runs already, while a command does something to it.</summary>
internal static class DuringCommand
{
    private const int Publishers = 8;
    private const int Size = 100;
    private const int Second = 1_000_000;
    private const double MaxRatio = 1.5;
    private const int MaxSeconds = 60;

    // Of fewer the fullest second says nothing: a handful in one is chance.
    private const int MinForRatio = 500;

    // What the command prints to say that something begins, and the name of one that replaces a process that drains.
    private const string Mark = "step ";
    private const string Roll = "roll ";

    private static readonly TimeSpan s_steady = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    public static Command Create()
    {
        var url = new Option<string[]>("--url") { Description = "Gateway, plain http; several of one cluster: who finds one closed or stopping tries the next.", Required = true };
        url.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(token => !Uri.TryCreate(token.Value, UriKind.Absolute, out var parsed) || parsed.Scheme != Uri.UriSchemeHttp) is { } wrong)
            {
                result.AddError($"--url must be an absolute http address such as http://localhost:8080, not '{wrong.Value}'.");
            }
        });
        var keyFile = new Option<string?>("--key-file") { Description = "File with an API key or a token that may subscribe and publish." };
        var streams = Cli.Number("--streams", "Streams that reconnect as an EventSource does.", 10_000, 10, 25_000);
        var topics = Cli.Number("--topics", "Topics they are spread over.", 100, 1, 10_000);
        var rate = Cli.Number("--rate", "Events a second, over all topics.", 100, 1, 10_000);
        var window = Cli.Number("--window", "Drain window of the replicas in seconds.", 30, 1, 120);
        var strict = new Option<bool>("--strict") { Description = $"Fail also when a roll took more than {MaxSeconds} s, had more than {MaxRatio} × its reconnects / window in a second, or left a publish without confirmation." };
        var run = new Argument<string[]>("command") { Description = $"What to do meanwhile, after '--'. Its lines '{Mark}<name>' begin a step; one whose name begins with '{Roll}' ends a process that drains.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("during", "Hold streams open and publish while a command does something to the cluster; check that nothing is lost, repeated or closed.")
        {
            url, keyFile, streams, topics, rate, window, strict, run,
        };
        command.Runs((result, cancellationToken) => Task.Run(
            () =>
            {
                var urls = Array.ConvertAll(result.GetRequiredValue(url), static text => new Uri(text));
                var key = result.GetValue(keyFile) is { } file ? File.ReadAllText(file).Trim() : null;
                var plan = new LoadPlan(Target.Ours(urls[0], key, urls[1..]), result.GetRequiredValue(streams), result.GetRequiredValue(topics), 1, Publishers, Size, Reconnect: true);
                return Run(plan, result.GetRequiredValue(rate), result.GetRequiredValue(window), result.GetValue(strict), result.GetRequiredValue(run), cancellationToken);
            },
            cancellationToken));
        return command;
    }

    private static int Run(LoadPlan plan, int rate, int window, bool strict, string[] run, CancellationToken cancellationToken)
    {
        Libc.RequireFiles(plan.Streams, $"{plan.Streams} streams", "--streams");
        using var session = new LoadSession(plan, Cli.Progress, cancellationToken);
        session.Open();
        var loop = session.Loop;
        var profile = new DuringProfile(loop);
        var publishing = new SteadyPlan(loop.Lanes, rate);
        session.Idle(s_steady, publishing);
        loop.Reconnects.Clear();

        var steps = new List<(string Name, long At)> { ("(before the first step)", Payload.Now) };
        using var process = new Process { StartInfo = new ProcessStartInfo(run[0], run[1..]) { RedirectStandardOutput = true, UseShellExecute = false } };
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.StartsWith(Mark, StringComparison.Ordinal) == true)
            {
                lock (steps)
                {
                    steps.Add((line.Data[Mark.Length..], Payload.Now));
                }
            }

            if (line.Data is not null)
            {
                Cli.Progress(line.Data);
            }
        };
        process.Start();
        process.BeginOutputReadLine();
        var ended = loop.Run(
            () =>
            {
                profile.Round(Payload.Now);
                return process.HasExited;
            },
            s_limit,
            publishing);
        if (!ended)
        {
            process.Kill(entireProcessTree: true);
            throw new BenchException($"{run[0]} had not ended after {s_limit.TotalMinutes:0} minutes.");
        }

        process.WaitForExit();
        steps.Add(("", Payload.Now));
        session.Idle(s_steady, publishing);
        var tally = session.Count();

        var good = process.ExitCode == 0;
        for (var i = 0; i < steps.Count - 1; i++)
        {
            var reconnects = Reconnect.Of(loop.Reconnects, steps[i].At, steps[i + 1].At);
            var seconds = (steps[i + 1].At - steps[i].At) / (double)Second;
            var peak = Reconnect.Peak(reconnects);
            var ratio = reconnects.Count == 0 ? 0 : peak / Math.Max((double)reconnects.Count / window, 1);
            var rolls = steps[i].Name.StartsWith(Roll, StringComparison.Ordinal);
            var uneven = rolls && ratio > MaxRatio && reconnects.Count >= MinForRatio;
            good &= !strict || !rolls || (!uneven && seconds <= MaxSeconds);
            var failures = tally.NotConfirmed.Where(failed => failed.At >= steps[i].At && failed.At < steps[i + 1].At).CountBy(failed => failed.Failure).ToList();
            good &= !strict || !rolls || failures.Count == 0;
            Say($"  {steps[i].Name}: {seconds:0.0} s, {reconnects.Count} reconnects, at most {peak} in a second{(rolls ? $" = {ratio:0.00} × even" : "")}{string.Concat(failures.Select(failed => $"; {failed.Value} publishes not confirmed ({failed.Key})"))}; generator at most {profile.LongestRound(steps[i].At, steps[i + 1].At) / 1000.0:0} ms behind");
            if (strict && uneven)
            {
                // What a second is made of says whose fault it is: where deliveries stop too, somebody had no processor.
                profile.Write(reconnects, steps[i].At);
            }
        }

        Say($"{plan.Streams} streams, {loop.Sent} events, {tally.Delivered} deliveries, p99 {tally.Latency(99):0} ms; found an address closed or stopping {tally.Refused} (of them without any answer for 5 s {tally.Unanswered}), publishes not confirmed {tally.PublishFailures}");
        Say($"lost {tally.Lost}, duplicates {tally.Duplicates}, reordered {tally.Reordered}, gaps {tally.GapsTold}, closed for ever {tally.Closed}, broken {tally.Broken}, open {loop.Open}");
        return good && tally is { Lost: 0, Duplicates: 0, Reordered: 0, GapsTold: 0, Closed: 0 } && loop.Open == plan.Streams ? 0 : 1;
    }

    private static void Say(FormattableString line) => AnsiConsole.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
