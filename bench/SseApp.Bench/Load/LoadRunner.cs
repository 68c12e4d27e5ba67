using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace SseApp.Bench.Load;

internal static class LoadRunner
{
    // As many as wait at a listening socket by default; those over it are dropped and tried again seconds later.
    private const int MaxOpening = 500;

    private static readonly TimeSpan s_openLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_drainLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);

    /// <returns>0 when nothing was lost, repeated or reordered, else 1; 2 when the streams did not open.</returns>
    public static async Task<int> RunAsync(LoadOptions options, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var run = Guid.NewGuid().ToString("N")[..8];
        var statistics = new LoadStatistics();
        var subscribers = Enumerable.Range(0, options.Streams).Select(i => new Subscriber(options, i % options.Topics, statistics)).ToArray();

        var started = Stopwatch.GetTimestamp();
        var reading = new List<Task>(options.Streams);
        foreach (var subscriber in subscribers)
        {
            reading.Add(subscriber.RunAsync(TopicName(run, subscriber.Topic), over.Token));
            while (reading.Count - statistics.Open - statistics.Ended >= MaxOpening && Stopwatch.GetElapsedTime(started) < s_openLimit)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, cancellationToken);
            }
        }

        await WaitAsync("opening", () => (double)(statistics.Open + statistics.Ended) / options.Streams, s_openLimit, cancellationToken);
        var opening = Stopwatch.GetElapsedTime(started);
        if (statistics.Open < options.Streams)
        {
            AnsiConsole.MarkupLineInterpolated(
                CultureInfo.InvariantCulture,
                $"[red]{statistics.Open} of {options.Streams} streams opened within {s_openLimit.TotalSeconds:0} s, {statistics.Ended} were ended or refused ({statistics.FirstFailure ?? "by an answer"}). Is {options.Url} up, and is 'ulimit -n' above the number of streams?[/]");
            await over.CancelAsync();
            return 2;
        }

        var publishing = Stopwatch.StartNew();
        var publisher = new Publisher(options, topic => TopicName(run, topic));
        await publisher.RunAsync(cancellationToken);
        publishing.Stop();

        var expected = subscribers.Sum(subscriber => publisher.Accepted(subscriber.Topic));
        await WaitAsync("receiving", () => expected == 0 ? 1 : (double)statistics.Delivered / expected, s_drainLimit, cancellationToken);
        await over.CancelAsync();
        await Task.WhenAll(reading);
        foreach (var subscriber in subscribers)
        {
            statistics.Missing(Math.Max(0, publisher.Accepted(subscriber.Topic) - subscriber.Last));
        }

        Print(options, statistics, publisher, opening, publishing.Elapsed);
        return statistics.Lost == 0 && statistics.Repeated == 0 && publisher.Failed == 0 ? 0 : 1;
    }

    private static string TopicName(string run, int topic) => $"bench.{run}.{topic}";

    private static async Task WaitAsync(string what, Func<double> progress, TimeSpan limit, CancellationToken cancellationToken) =>
        await AnsiConsole.Progress().StartAsync(async bars =>
        {
            var bar = bars.AddTask(what, maxValue: 1);
            var started = Stopwatch.GetTimestamp();
            while (progress() is var done && Stopwatch.GetElapsedTime(started) < limit)
            {
                bar.Value = done;
                if (done >= 1)
                {
                    return;
                }

                await Task.Delay(s_poll, TimeProvider.System, cancellationToken);
            }
        });

    private static void Print(LoadOptions options, LoadStatistics statistics, Publisher publisher, TimeSpan opening, TimeSpan publishing)
    {
        var table = new Table().AddColumns("figure", "value");
        Row("streams", $"{options.Streams} over {options.Topics} topics");
        Row("connects/s", $"{options.Streams / opening.TotalSeconds:0}");
        Row("publishes", $"{publisher.Total} accepted, {publisher.Failed} failed, {publisher.Total / publishing.TotalSeconds:0.0}/s");
        Row("deliveries", $"{statistics.Delivered}, {statistics.Delivered / publishing.TotalSeconds:0}/s");
        Row("latency p50 / p99 / max", $"{statistics.LatencyMilliseconds(50):0.0} / {statistics.LatencyMilliseconds(99):0.0} / {statistics.LatencyMilliseconds(100):0.0} ms");
        Row("lost", $"{statistics.Lost}");
        Row("repeated or reordered", $"{statistics.Repeated}");
        Row("streams ended by the server", $"{statistics.Ended}");
        AnsiConsole.Write(table);

        void Row(string name, FormattableString value) =>
            table.AddRow(name, Markup.Escape(value.ToString(CultureInfo.InvariantCulture)));
    }
}
