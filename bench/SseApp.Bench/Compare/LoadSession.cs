using System.Diagnostics;
using System.Globalization;
using SseApp.Bench.Generator;
using SseApp.Bench.Subjects;

namespace SseApp.Bench.Compare;

/// <summary>One load against one running subject, from the first connect to the last count.</summary>
internal sealed class LoadSession(ISubject subject, LoadPlan plan, Action<string> report, CancellationToken cancellationToken) : IDisposable
{
    private static readonly TimeSpan s_openLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_warmUpRound = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan s_settle = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan s_drainLimit = TimeSpan.FromSeconds(15);
    private const int WarmUpRounds = 8;
    private const double GeneratorLimit = 0.9;
    private readonly LoadLoop _loop = new(plan, cancellationToken);

    public LoadLoop Loop => _loop;

    public Tally Tally => _loop.Tally;

    /// <summary>Opens all streams and sees an event arrive on each.</summary>
    /// <returns>Streams opened a second.</returns>
    public double Open()
    {
        var started = Stopwatch.GetTimestamp();
        Progress("opening");
        var open = _loop.Run(() => _loop.Open >= plan.Streams || Tally.Ended > 0 && !plan.Reconnect, s_openLimit);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        if (!open || _loop.Open < plan.Streams)
        {
            throw new BenchException(string.Create(
                CultureInfo.InvariantCulture,
                $"{_loop.Open} of {plan.Streams} streams opened within {seconds:0} s ({Tally.FirstFailure ?? "no error"}); see artifacts/bench/logs, and try fewer streams."));
        }

        // A stream may be open before its subscription counts everywhere; only what is published later is expected.
        for (var round = 0; _loop.ColdLanes() is { Count: > 0 } cold; round++)
        {
            if (round == WarmUpRounds)
            {
                throw new BenchException($"{cold.Count} topics have streams that never got an event ({Tally.FirstFailure ?? "publishes were accepted"}); see artifacts/bench/logs.");
            }

            var next = Payload.Now;
            _loop.Run(() => IsWarm(ref next), s_warmUpRound, new WarmUpPlan(cold));
        }

        return plan.Streams / seconds;
    }

    /// <summary>Runs without counting: compilers, caches and queues come to rest.</summary>
    public void Idle(TimeSpan duration, IPublishPlan? publishing = null) => _loop.Run(() => false, duration, publishing);

    /// <summary>What one phase of a load came to, by its deliveries.</summary>
    public Measurement Measure(string scenario, string step, IPublishPlan publishing, TimeSpan duration) =>
        Measure(scenario, step, publishing, duration, () => Tally.Delivered) with { P50 = Tally.Latency(50), P99 = Tally.Latency(99) };

    /// <summary>What one phase of a load came to, by the events that were confirmed: for topics without a stream.</summary>
    public Measurement MeasureConfirmed(string scenario, string step, IPublishPlan publishing, TimeSpan duration) =>
        Measure(scenario, step, publishing, duration, () => _loop.Lanes.Sum(lane => lane.Acknowledged));

    /// <summary>Waits for what is still on its way; before another phase, or before the count.</summary>
    public void Drain()
    {
        Progress("draining");
        _loop.Run(() => _loop.Lanes.All(lane => !lane.Busy) && Tally.Delivered - Tally.Duplicates >= _loop.Expected(), s_drainLimit);
        // A duplicate would come after what it repeats.
        _loop.Run(() => false, s_settle);
    }

    /// <summary>The counts of the whole session, to be put on its last row.</summary>
    public Measurement Count(Measurement measurement)
    {
        Drain();
        _loop.CountLost();
        return measurement with
        {
            Lost = Tally.Lost,
            Duplicates = Tally.Duplicates,
            Reordered = Tally.Reordered,
            Note = Note(measurement.Note),
        };
    }

    public void Dispose() => _loop.Dispose();

    private Measurement Measure(string scenario, string step, IPublishPlan publishing, TimeSpan duration, Func<long> count)
    {
        Progress(step);
        Tally.ResetLatency();
        var cpu = subject.Processes().CpuMicroseconds;
        var delivered = count();
        var own = Environment.CpuUsage.TotalTime;
        var started = Stopwatch.GetTimestamp();
        _loop.Run(() => false, duration, publishing);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        delivered = count() - delivered;
        own = Environment.CpuUsage.TotalTime - own;
        var busy = own.TotalSeconds / seconds;
        return new Measurement(scenario, step, subject.Name, plan.Streams)
        {
            DeliveriesPerSecond = delivered / seconds,
            CpuPerDelivery = delivered == 0 ? null : (subject.Processes().CpuMicroseconds - cpu) / delivered,
            GeneratorCpuPerDelivery = delivered == 0 ? null : own.TotalMicroseconds / delivered,
            // A server that is faster than the generator would look as fast as the generator.
            Note = busy > GeneratorLimit ? string.Create(CultureInfo.InvariantCulture, $"generator {busy:P0} busy") : null,
        };
    }

    private bool IsWarm(ref long next)
    {
        // The look costs a pass over all streams.
        if (Payload.Now < next)
        {
            return false;
        }

        next = Payload.Now + 100_000;
        return _loop.ColdLanes().Count == 0;
    }

    private string? Note(string? first)
    {
        string?[] notes =
        [
            first,
            !plan.Reconnect && Tally.Ended > 0 ? $"{Tally.Ended} streams ended" : null,
            Tally.PublishFailures > 0 ? $"{Tally.PublishFailures} publishes not confirmed ({Tally.FirstFailure})" : null,
            Tally.GapsTold > 0 ? $"{Tally.GapsTold} gaps told" : null,
        ];
        return string.Join("; ", notes.Where(note => note is not null)) is { Length: > 0 } text ? text : null;
    }

    private void Progress(string what) => report($"{subject.Name}: {what}");
}
