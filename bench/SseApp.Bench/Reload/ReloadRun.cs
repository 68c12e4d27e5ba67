using System.Text.Json;
using SseApp.Bench.Generator;

namespace SseApp.Bench.Reload;

/// <summary>A rolling reload under streams and publishes; the generator loop runs on the calling thread.</summary>
internal sealed class ReloadRun(ReloadLoad load, Action<string> report)
{
    private const int PublishersPerTopic = 1;
    private const int Size = 100;
    private const int Second = 1_000_000;

    private static readonly TimeSpan s_openLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_steady = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_reloadLimit = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan s_settleLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_late = TimeSpan.FromSeconds(1);

    /// <param name="reload">Begins the reload; null: by the gateway's operator API.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public ReloadResult Execute(Func<CancellationToken, Task>? reload, CancellationToken cancellationToken)
    {
        var port = load.Gateway.Port;
        var target = new Target(port, topic => $"/events?topic={topic}", port, topic => $"/topics/{topic}/events", "/publish");
        var plan = new LoadPlan(target, load.Streams, load.Topics, PublishersPerTopic, 8, Size, Reconnect: true);
        using var loop = new LoadLoop(plan, cancellationToken);
        using var observer = new ReloadObserver(load.Gateway);
        Open(loop);

        report($"{load.Rate} events/s, then the reload");
        var publishing = new SteadyPlan(loop.Lanes, load.Rate);
        loop.Run(() => false, s_steady, publishing);
        loop.Reconnects.Clear();
        var (ended, broken) = (loop.Tally.Ended, loop.Tally.Broken);
        var began = Payload.Now;
        var watching = Task.Run(async () =>
        {
            var before = await observer.NewestAsync(cancellationToken);
            // It may last as long as the reload does, as the dashboard's command.
            var beginning = (reload ?? observer.BeginAsync)(cancellationToken);
            var last = await observer.WatchAsync(began, before, beginning, cancellationToken);
            await beginning;
            return last;
        }, cancellationToken);
        if (!loop.Run(() => watching.IsCompleted, s_reloadLimit, publishing))
        {
            throw new BenchException($"The reload had not ended after {s_reloadLimit.TotalMinutes:0} minutes.");
        }

        var status = watching.GetAwaiter().GetResult();
        var seconds = (Payload.Now - began) / (double)Second;
        report("waiting for what is on its way");
        loop.Run(() => false, s_steady, publishing);
        loop.Run(
            () => loop.Open == load.Streams && loop.Lanes.All(lane => !lane.Busy) && loop.Tally.Delivered - loop.Tally.Duplicates >= loop.Expected(),
            s_settleLimit);
        // A duplicate would come after what it repeats.
        loop.Run(() => false, s_late);
        observer.SampleAsync(began, -1, cancellationToken).GetAwaiter().GetResult();
        loop.CountLost();
        report($"{loop.Tally.Ended - ended} streams ended, {loop.Tally.Broken - broken} of them without the end of their response");
        var state = status.GetProperty("state").GetString() is "succeeded" ? "succeeded" : status.GetProperty("detail").GetString()!;
        return new ReloadResult(state, seconds, loop.Open, loop.Sent, loop.Tally, Steps(status, loop.Reconnects, observer.Samples, began), observer.Samples);
    }

    private void Open(LoadLoop loop)
    {
        report($"opening {load.Streams} streams");
        if (!loop.Run(() => loop.Open >= load.Streams, s_openLimit))
        {
            throw new BenchException($"{loop.Open} of {load.Streams} streams opened within {s_openLimit.TotalSeconds:0} s ({loop.Tally.FirstFailure ?? "no error"}).");
        }

        // Subscriptions may take a moment; what is published before them is not owed to anybody.
        var warm = loop.Run(() => loop.ColdLanes().Count == 0, s_openLimit, new WarmUpPlan(loop.ColdLanes()));
        if (!warm)
        {
            throw new BenchException($"{loop.ColdLanes().Count} topics have streams that never got an event.");
        }
    }

    private IReadOnlyList<ReloadStepResult> Steps(JsonElement status, List<long> reconnects, List<ReplicaSample> samples, long began)
    {
        var steps = status.GetProperty("steps").EnumerateArray().Select((step, index) =>
        {
            var streams = step.GetProperty("streams").GetInt32();
            var seconds = step.GetProperty("seconds").ValueKind == JsonValueKind.Number ? step.GetProperty("seconds").GetDouble() : 0;
            var turn = samples.Where(sample => sample.Step == index).Select(sample => sample.At).DefaultIfEmpty().ToList();
            var during = reconnects.Select(at => at - began).Where(at => at >= turn[0] && at <= turn[^1]).Order().ToList();
            return new ReloadStepResult(
                step.GetProperty("replica").GetString()!, streams, seconds, Peak(during), streams / Math.Max(load.Window.TotalSeconds, 1));
        });
        return [.. steps];
    }

    /// <summary>The most of them within any one second.</summary>
    private static int Peak(List<long> ordered)
    {
        var (peak, first) = (0, 0);
        for (var last = 0; last < ordered.Count; last++)
        {
            while (ordered[last] - ordered[first] > Second)
            {
                first++;
            }

            peak = Math.Max(peak, last - first + 1);
        }

        return peak;
    }
}
