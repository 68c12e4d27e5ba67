namespace SseApp.Bench.Generator;

/// <summary>One load against a running server, from the first connect to the last count.</summary>
internal class LoadSession(LoadPlan plan, Action<string> report, CancellationToken cancellationToken) : IDisposable
{
    private static readonly TimeSpan s_openLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_warmUpRound = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan s_drainLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_settle = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan s_late = TimeSpan.FromSeconds(1);
    private const int WarmUpRounds = 8;

    public LoadLoop Loop { get; } = new(plan, cancellationToken);

    public Tally Tally => Loop.Tally;

    protected LoadPlan Plan => plan;

    /// <summary>Opens all streams and sees an event arrive on each.</summary>
    /// <returns>Streams opened a second.</returns>
    public double Open()
    {
        var started = Stopwatch.GetTimestamp();
        report($"opening {plan.Streams} streams");
        Loop.Run(() => Loop.Open >= plan.Streams || (Tally.Ended > 0 && !plan.Reconnect), s_openLimit);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        if (Loop.Open < plan.Streams)
        {
            throw new BenchException(string.Create(
                CultureInfo.InvariantCulture,
                $"{Loop.Open} of {plan.Streams} streams were open after {seconds:0} s ({Tally.FirstFailure ?? "no error"}). Is {plan.Target.Url} up, and does it take that many streams from one address? Servers that the bench starts write to artifacts/bench/logs."));
        }

        // A stream may be open before its subscription counts everywhere; only what is published later is expected.
        for (var round = 0; Loop.ColdLanes() is { Count: > 0 } cold; round++)
        {
            if (round == WarmUpRounds)
            {
                throw new BenchException($"{cold.Count} topics have streams that never got an event ({Tally.FirstFailure ?? "publishes were accepted"}). Servers that the bench starts write to artifacts/bench/logs.");
            }

            var next = Payload.Now;
            Loop.Run(() => IsWarm(ref next), s_warmUpRound, new WarmUpPlan(cold));
        }

        return plan.Streams / seconds;
    }

    /// <summary>Runs without counting: compilers, caches and queues come to rest.</summary>
    public void Idle(TimeSpan duration, IPublishPlan? publishing = null) => Loop.Run(() => false, duration, publishing);

    /// <summary>Waits for what is still on its way, and for streams that are about to reconnect.</summary>
    public void Drain()
    {
        report("draining");
        Loop.Run(
            () => (Loop.Open == plan.Streams || !plan.Reconnect) && Loop.Lanes.All(lane => !lane.Busy) && Tally.Delivered - Tally.Duplicates >= Loop.Expected(),
            s_drainLimit);
        Idle(s_settle);
    }

    /// <summary>Ends the load: what has not come by now is lost.</summary>
    public Tally Count()
    {
        Drain();
        // A duplicate would come after what it repeats.
        Idle(s_late);
        Loop.CountLost();
        return Tally;
    }

    public void Dispose() => Loop.Dispose();

    private bool IsWarm(ref long next)
    {
        // The look costs a pass over all streams.
        if (Payload.Now < next)
        {
            return false;
        }

        next = Payload.Now + 100_000;
        return Loop.ColdLanes().Count == 0;
    }
}
