using SseApp.Bench.Greedy;
using SseApp.Tests.Chaos;

namespace SseApp.Tests.Hostile;

/// <summary>
/// One client of each kind that a budget is for, all at full speed, beside ordinary streams and publishers. CI gives them
/// 10 seconds; <c>SSEAPP_GREEDY_SECONDS</c> more.
/// </summary>
[Collection(typeof(RunsAlone))]
public sealed class GreedyClientsTests(RedisServer redis, ITestOutputHelper output) : IClassFixture<RedisServer>
{
    private const int Streams = 500;
    private const long GuardLimit = 500_000_000;
    private const double MaxShare = 0.8;
    private const int Warm = 500;

    private static readonly TimeSpan s_sample = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(
        int.TryParse(Environment.GetEnvironmentVariable("SSEAPP_GREEDY_SECONDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : 10);

    [LongFact]
    public async Task Clients_that_take_all_they_can_get_cost_nobody_a_stream_or_an_event()
    {
        await using var cluster = await ServiceCluster.StartAsync(redis, new ServiceClusterOptions
        {
            Replicas = 2,
            QuickStart = false,
            ShortTimes = false,
            Settings = [.. GreedyCluster.Limits],
        });
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address, Streams);
        await load.AcknowledgedAsync(Warm);
        // Code is compiled by now.
        var calm = Stopwatch.GetTimestamp();
        await load.AcknowledgedAsync(2 * Warm);
        ServiceProcess[] services = [.. cluster.Replicas, cluster.Gateway];
        var processes = services.Select(service => service.Process.Id).ToArray();
        var opened = load.Opened;
        var peaks = new long[services.Length];
        var begun = Stopwatch.GetTimestamp();
        var ended = 0L;
        GreedyRun[] greedy = [.. GreedyClient.All.Select((client, number) => new GreedyRun(client, cluster.Gateway.Address, number))];
        try
        {
            using var sampling = new PeriodicTimer(s_sample, TimeProvider.System);
            for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < s_duration; await sampling.WaitForNextTickAsync(TestContext.Current.CancellationToken))
            {
                for (var i = 0; i < services.Length; i++)
                {
                    Assert.False(services[i].Process.HasExited, $"{services[i].Name} ended. It printed: {services[i].Process.Tail()}");
                    peaks[i] = Math.Max(peaks[i], services[i].Process.ResidentBytes);
                }
            }
        }
        finally
        {
            ended = Stopwatch.GetTimestamp();
            await Task.WhenAll(greedy.Select(run => run.DisposeAsync().AsTask()));
            output.WriteLine(string.Join('\n', greedy.Select(run => $"{run.Name}: {string.Join(", ", run.Answers.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Value} × {pair.Key}"))}")));
            output.WriteLine(string.Join('\n', services.Select((service, i) => $"{service.Name}: at most {peaks[i] / 1_000_000} MB")));
        }

        await load.AcknowledgedAsync(Warm);
        await load.FinishAsync();
        // Told and not asserted: how busy the machine is with the greedy clients themselves decides over it.
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"delay of deliveries, median and p99: {load.Delay(0.5, calm, begun):f1} and {load.Delay(0.99, calm, begun):f1} ms before, {load.Delay(0.5, begun, ended):f1} and {load.Delay(0.99, begun, ended):f1} ms beside them"));
        load.AssertFaultless(receipt => receipt.FindFault());
        Assert.Equal(opened, load.Opened);
        Assert.Equal(processes, services.Select(service => service.Process.Id));
        Assert.All(peaks, peak => Assert.InRange(peak, 0, (long)(GuardLimit * MaxShare)));
    }
}
