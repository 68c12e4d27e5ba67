using System.Text.Json;

namespace SseApp.Bench.Reload;

/// <summary>A rolling reload under streams and publishes; the generator loop runs on the calling thread.</summary>
internal sealed class ReloadRun(ReloadLoad load, Action<string> report)
{
    private const int PublishersPerTopic = 1;
    private const int Size = 100;
    private const int Second = 1_000_000;

    private static readonly TimeSpan s_steady = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_reloadLimit = TimeSpan.FromMinutes(4);

    /// <param name="reload">Begins the reload; null: by the gateway's operator API.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public ReloadResult Execute(Func<CancellationToken, Task>? reload, CancellationToken cancellationToken)
    {
        var plan = new LoadPlan(Target.Ours(load.Gateway), load.Streams, load.Topics, PublishersPerTopic, 8, Size, Reconnect: true);
        using var session = new LoadSession(plan, report, cancellationToken);
        using var observer = new ReloadObserver(load.Operators.Address, load.Operators.Key);
        var loop = session.Loop;
        session.Open();

        report($"{load.Rate} events/s, then the reload");
        var publishing = new SteadyPlan(loop.Lanes, load.Rate);
        session.Idle(s_steady, publishing);
        loop.Reconnects.Clear();
        var (ended, broken) = (session.Tally.Ended, session.Tally.Broken);
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
        report("steady again");
        session.Idle(s_steady, publishing);
        var tally = session.Count();
        observer.SampleAsync(began, -1, cancellationToken).GetAwaiter().GetResult();
        report($"{tally.Ended - ended} streams ended, {tally.Broken - broken} of them without the end of their response");
        var state = status.GetProperty("state").GetString() is "succeeded" ? "succeeded" : status.GetProperty("detail").GetString()!;
        return new ReloadResult(state, seconds, loop.Open, loop.Sent, tally, Steps(status, loop.Reconnects, observer.Samples, began), observer.Samples);
    }

    private IReadOnlyList<ReloadStepResult> Steps(JsonElement status, List<Reconnect> reconnects, List<ReplicaSample> samples, long began)
    {
        var steps = status.GetProperty("steps").EnumerateArray().Select((step, index) =>
        {
            var streams = step.GetProperty("streams").GetInt32();
            var seconds = step.GetProperty("seconds").ValueKind == JsonValueKind.Number ? step.GetProperty("seconds").GetDouble() : 0;
            var turn = samples.Where(sample => sample.Step == index).Select(sample => sample.At).DefaultIfEmpty().ToList();
            var during = Reconnect.Of(reconnects, began + turn[0], began + turn[^1] + 1);
            return new ReloadStepResult(
                step.GetProperty("replica").GetString()!, streams, seconds, Reconnect.Peak(during), streams / Math.Max(load.Window.TotalSeconds, 1));
        });
        return [.. steps];
    }
}
