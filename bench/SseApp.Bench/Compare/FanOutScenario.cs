namespace SseApp.Bench.Compare;

/// <summary>One topic to all streams: the ramp to saturation, 4 events a second, and half of what saturates nchan.</summary>
internal sealed class FanOutScenario : IScenario
{
    public const string Id = "fanout";
    public const string Saturated = "saturated, any latency";
    public const string Bounded = "saturated, p99 up to 250 ms";
    public const string FourPerSecond = "4 events/s";
    public const string HalfOfNchan = "half of nchan's saturation";
    private const int MaxWindow = 128;
    private const int Bisections = 3;
    private const double MaxP99 = 3_000;
    private const double BoundedP99 = 250;
    // A step that gains less than this is noise.
    private const double Gain = 1.03;

    public string Name => Id;

    public string Title => "One topic to all streams";

    public async Task RunAsync(Subject subject, ScenarioContext context)
    {
        var target = await subject.StartAsync(workers: 1, context.CancellationToken);
        var plan = new LoadPlan(target, context.Streams(subject), 1, MaxWindow, MaxWindow, context.Options.Size);
        using var session = new MeasuredSession(subject, plan, context);
        var connects = session.Open();
        var steps = Ramp(session, plan, context);
        var saturated = steps.MaxBy(step => step.DeliveriesPerSecond)! with { ConnectsPerSecond = connects };
        var bounded = steps.Where(step => step.P99 <= BoundedP99).MaxBy(step => step.DeliveriesPerSecond);
        session.Drain();

        var steady = session.Measure(Id, FourPerSecond, new SteadyPlan(session.Loop.Lanes[..4], 4), context.Options.Step * 4);
        session.Drain();
        Measurement? half = null;
        if ((context.Find(Id, Saturated, "nchan") ?? (subject.Name == "nchan" ? saturated : null)) is { DeliveriesPerSecond: { } nchan })
        {
            // The same deliveries a second for each, so with fewer streams more events.
            var rate = nchan / 2 / plan.Streams;
            half = session.Measure(Id, HalfOfNchan, new SteadyPlan(session.Loop.Lanes[..16], rate), context.Options.Step * 4);
        }

        saturated = session.Count(saturated);
        Measurement?[] rows = [saturated, bounded is null ? null : bounded with { Step = Bounded }, steady, half];
        context.Results.AddRange(rows.OfType<Measurement>());
    }

    private static List<Measurement> Ramp(MeasuredSession session, LoadPlan plan, ScenarioContext context)
    {
        var steps = new SortedList<int, Measurement>();
        var best = 0.0;
        // Managed servers compile their hot paths first.
        session.Idle(context.Options.Step, Publishing(8));
        for (var (window, worse) = (1, 0); window <= MaxWindow && worse < 2; window *= 2)
        {
            var step = Measure(window);
            var better = step.DeliveriesPerSecond > best * Gain;
            best = Math.Max(best, step.DeliveriesPerSecond ?? 0);
            worse = better ? 0 : worse + 1;
            if (step.P99 > MaxP99)
            {
                break;
            }
        }

        // The largest window within the bound lies between two steps of the ramp.
        for (var i = 0; i < Bisections && Between(steps) is { } window; i++)
        {
            Measure(window);
        }

        return [.. steps.Values];

        Measurement Measure(int window)
        {
            session.Drain();
            var publishing = Publishing(window);
            session.Idle(context.Options.Step / 4, publishing);
            var step = session.Measure(Id, Saturated, publishing, context.Options.Step);
            var inFlight = string.Create(CultureInfo.InvariantCulture, $"{window} events in flight");
            step = step with { Note = step.Note is null ? inFlight : $"{inFlight}; {step.Note}" };
            context.Report($"window {window}: {step.DeliveriesPerSecond:0}/s, p99 {step.P99:0} ms");
            steps[window] = step;
            return step;
        }

        WindowPlan Publishing(int window)
        {
            var (sent, delivered) = (session.Loop.Sent, session.Tally.Delivered);
            return new WindowPlan(
                session.Loop.Lanes, window, 1, () => session.Loop.Sent - sent - ((session.Tally.Delivered - delivered) / plan.Streams));
        }
    }

    private static int? Between(SortedList<int, Measurement> steps)
    {
        var within = steps.Where(step => step.Value.P99 <= BoundedP99).Select(step => step.Key).DefaultIfEmpty(0).Max();
        var beyond = steps.Where(step => step.Key > within).Select(step => step.Key).DefaultIfEmpty(0).Min();
        return within > 0 && beyond - within > Math.Max(1, within / 8) ? (within + beyond) / 2 : null;
    }
}
