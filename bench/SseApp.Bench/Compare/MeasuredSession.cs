namespace SseApp.Bench.Compare;

/// <summary>A load of which rows of the report are made, with the CPU time that the subject spends on it.</summary>
internal sealed class MeasuredSession(Subject subject, LoadPlan plan, ScenarioContext context)
    : LoadSession(plan, what => context.Report($"{subject.Name}: {what}"), context.CancellationToken)
{
    /// <summary>What this process may be busy; more, and a server that is faster would look as fast as it.</summary>
    public const double GeneratorLimit = 0.9;


    /// <summary>What one phase of a load came to, by its deliveries.</summary>
    public Measurement Measure(string scenario, string step, IPublishPlan publishing, TimeSpan duration) =>
        Measure(scenario, step, publishing, duration, () => Tally.Delivered) with { P50 = Tally.Latency(50), P99 = Tally.Latency(99) };

    /// <summary>What one phase of a load came to, by the events that were confirmed: for topics without a stream.</summary>
    public Measurement MeasureConfirmed(string scenario, string step, IPublishPlan publishing, TimeSpan duration) =>
        Measure(scenario, step, publishing, duration, () => Loop.Lanes.Sum(lane => lane.Acknowledged));

    /// <summary>The counts of the whole session, to be put on its last row.</summary>
    public Measurement Count(Measurement measurement)
    {
        Count();
        return measurement with
        {
            Lost = Tally.Lost,
            Duplicates = Tally.Duplicates,
            Reordered = Tally.Reordered,
            Note = Note(measurement.Note),
        };
    }

    private Measurement Measure(string scenario, string step, IPublishPlan publishing, TimeSpan duration, Func<long> count)
    {
        context.Report($"{subject.Name}: {step}");
        Tally.ResetLatency();
        var cpu = subject.Processes().CpuMicroseconds;
        var delivered = count();
        var own = Environment.CpuUsage.TotalTime;
        var started = Stopwatch.GetTimestamp();
        Loop.Run(() => false, duration, publishing);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        delivered = count() - delivered;
        own = Environment.CpuUsage.TotalTime - own;
        var busy = own.TotalSeconds / seconds;
        return new Measurement(scenario, step, subject.Name, Plan.Streams)
        {
            DeliveriesPerSecond = delivered / seconds,
            CpuPerDelivery = delivered == 0 ? null : (subject.Processes().CpuMicroseconds - cpu) / delivered,
            GeneratorCpuPerDelivery = delivered == 0 ? null : own.TotalMicroseconds / delivered,
            // A server that is faster than the generator would look as fast as the generator.
            Note = busy > GeneratorLimit ? string.Create(CultureInfo.InvariantCulture, $"generator {busy:P0} busy") : null,
        };
    }

    private string? Note(string? first)
    {
        string?[] notes =
        [
            first,
            !Plan.Reconnect && Tally.Ended > 0 ? $"{Tally.Ended} streams ended" : null,
            Tally.PublishFailures > 0 ? $"{Tally.PublishFailures} publishes not confirmed ({Tally.FirstFailure})" : null,
            Tally.GapsTold > 0 ? $"{Tally.GapsTold} gaps reported" : null,
        ];
        return string.Join("; ", notes.Where(note => note is not null)) is { Length: > 0 } text ? text : null;
    }
}
