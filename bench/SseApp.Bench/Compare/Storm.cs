namespace SseApp.Bench.Compare;

/// <summary>Clients that missed some events and come back all at once, while publishes go on.</summary>
internal sealed class Storm(Subject subject, Target target, ScenarioContext context)
{
    private const int TopicsOfStream = 8;
    private const int Missed = 20;

    // So many different lists of topics: two hundred clients have the same when there are ten thousand.
    private const int Lists = 50;
    private const int Rate = 50;
    private const int Publishers = 8;

    // No listen queue of Linux holds more as it is set up: what comes beyond it is dropped, and repeated a second later.
    private const int MaxConnecting = 4_096;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_killLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_settle = TimeSpan.FromMilliseconds(500);

    private readonly int _topics = target.Resumes ? TopicsOfStream : 1;

    /// <summary>Notes where streams are, and publishes what they miss.</summary>
    public LoadPlan Prepare(int streams)
    {
        var plan = new LoadPlan(
            target, Math.Min(Lists, streams), Math.Min(Lists, streams), _topics, Publishers, context.Options.Size, Reconnect: true, Spread: true);
        using var session = new MeasuredSession(subject, plan, context);
        session.Open();
        var lanes = session.Loop.Lanes;
        session.Idle(s_settle, new WarmUpPlan(lanes));
        var ids = session.Loop.Ids();
        if (target.Resumes)
        {
            var missing = new OncePlan(from round in Enumerable.Range(0, (Missed + TopicsOfStream - 1) / TopicsOfStream)
                                       from lane in lanes
                                       where (round * TopicsOfStream) + lane.Index < Missed
                                       select lane);
            if (!session.Loop.Run(() => missing.IsDone, s_limit, missing))
            {
                throw new BenchException($"{subject.Name}: what clients are to miss could not be published ({session.Tally.FirstFailure ?? "too slow"}).");
            }
        }

        session.Drain();
        return plan with { Streams = streams, Resume = new Resume(lanes, target.Resumes ? ids : new string?[ids.Length]), Connecting = MaxConnecting };
    }

    /// <param name="streams">How many come back.</param>
    /// <param name="step">Names the row.</param>
    /// <param name="residentBefore">KiB of the servers without streams, if it is to be measured what a stream adds.</param>
    public Measurement Run(int streams, string step, long? residentBefore = null) => Run(Prepare(streams), step, residentBefore);

    public Measurement Run(LoadPlan plan, string step, long? residentBefore = null)
    {
        using var session = new MeasuredSession(subject, plan, context);
        var row = Open(session, step);
        if (residentBefore is { } before)
        {
            session.Idle(context.Options.Step * 2);
            row = row with { KiBPerStream = (subject.Processes().ResidentKiB() - before) / (double)plan.Streams };
        }

        return Count(session, row);
    }

    /// <summary>A storm, and when all are there the end of a gateway, which is started again at once.</summary>
    /// <param name="streams">How many there are.</param>
    /// <param name="step">Names the row.</param>
    /// <param name="onlyOne">Nobody else is there meanwhile.</param>
    /// <param name="restart">Kills it and starts it.</param>
    public async Task<Measurement> KillAsync(int streams, string step, bool onlyOne, Func<CancellationToken, Task<(long KilledAt, long ReadyAt)>> restart)
    {
        using var session = new MeasuredSession(subject, Prepare(streams), context);
        Open(session, step);
        var publishing = new SteadyPlan(session.Loop.Lanes, Rate);
        session.Idle(s_rest, publishing);
        session.Tally.ResetLatency();
        context.Report($"{subject.Name}: {step}");
        var (errors, refusals) = (Errors(session.Tally), Refusals(session.Tally));
        var restarting = Task.Run(() => restart(context.CancellationToken));
        var done = session.Loop.Run(() => restarting.IsCompleted && session.Loop.Whole == streams, s_killLimit, publishing);
        var (killedAt, readyAt) = await restarting;
        var (lastWhole, whole) = (session.Loop.LastWhole, session.Loop.Whole);
        var row = new Measurement(StormScenario.Id, step, subject.Name, streams)
        {
            WholeAfter = done ? (lastWhole - (onlyOne ? readyAt : killedAt)) / 1e6 : null,
            OpeningP50 = session.Tally.Opening(50),
            OpeningP99 = session.Tally.Opening(99),
            PublishP99 = onlyOne ? null : session.Tally.PublishLatency(99),
            Errors = Errors(session.Tally) - errors,
            Refusals = Refusals(session.Tally) - refusals,
            Note = !done
                ? $"{whole} of {streams} whole after {s_killLimit.TotalSeconds} s"
                : onlyOne
                    ? string.Create(CultureInfo.InvariantCulture, $"counted from when it was ready, {(readyAt - killedAt) / 1e6:0.0} s after the kill")
                    : string.Create(CultureInfo.InvariantCulture, $"counted from the kill; the killed one was ready after {(readyAt - killedAt) / 1e6:0.0} s"),
        };
        return Count(session, row);
    }

    private static long Refusals(Tally tally) => tally.Closed + tally.TurnedAway;

    private static long Errors(Tally tally) => tally.Ended + tally.Refused - Refusals(tally);

    private Measurement Open(MeasuredSession session, string step)
    {
        var streams = session.Loop.Plan.Streams;
        if (!session.Loop.ConnectPublishers(s_limit))
        {
            throw new BenchException($"{subject.Name}: nobody took the connections of the publishers.");
        }

        context.Report($"{subject.Name}: {step}");
        var publishing = new SteadyPlan(session.Loop.Lanes, Rate);
        var dropped = ListenDrops();
        var handshakes = target.Tls?.Handshakes ?? default;
        var cpu = subject.Processes().CpuMicroseconds;
        var own = Environment.CpuUsage.TotalTime;
        var started = Payload.Now;
        var all = session.Loop.Run(() => session.Loop.Whole == streams, s_limit, publishing);
        var seconds = (session.Loop.LastWhole - started) / 1e6;
        own = Environment.CpuUsage.TotalTime - own;
        dropped = ListenDrops() - dropped;
        var (shaken, resumed) = target.Tls?.Handshakes is { } now ? (now.All - handshakes.All, now.Resumed - handshakes.Resumed) : (0, 0);
        string?[] notes =
        [
            target.Resumes ? null : "cannot resume: one topic, begins with the next event",
            all ? null : $"{session.Loop.Whole} of {streams} whole after {s_limit.TotalSeconds} s ({session.Tally.FirstFailure ?? "no error"})",
            target.Tls is null ? null : string.Create(CultureInfo.InvariantCulture, $"{resumed:#,0} of {shaken:#,0} TLS handshakes resumed"),
            dropped > 0 ? $"{dropped} handshakes dropped" : null,
            own.TotalSeconds / seconds > MeasuredSession.GeneratorLimit ? string.Create(CultureInfo.InvariantCulture, $"generator {own.TotalSeconds / seconds:P0} busy") : null,
        ];
        return new Measurement(StormScenario.Id, step, subject.Name, streams)
        {
            ConnectsPerSecond = all ? streams / seconds : null,
            WholeAfter = all ? seconds : null,
            OpeningP50 = session.Tally.Opening(50),
            OpeningP99 = session.Tally.Opening(99),
            CpuPerStream = (subject.Processes().CpuMicroseconds - cpu) / streams,
            PublishP99 = session.Tally.PublishLatency(99),
            Errors = Errors(session.Tally),
            Refusals = Refusals(session.Tally),
            Note = string.Join("; ", notes.OfType<string>()) is { Length: > 0 } note ? note : null,
        };
    }

    // What begins with the next event loses what comes while it is being opened.
    private Measurement Count(MeasuredSession session, Measurement row) => target.Resumes ? session.Count(row) : row;

    /// <summary>Handshakes that found a listen queue full, so far, of the whole machine.</summary>
    private static long ListenDrops()
    {
        string[][] lines = [.. File.ReadLines("/proc/net/netstat").Where(line => line.StartsWith("TcpExt:", StringComparison.Ordinal)).Select(line => line.Split(' '))];
        return long.Parse(lines[1][Array.IndexOf(lines[0], "ListenOverflows")], CultureInfo.InvariantCulture);
    }
}
