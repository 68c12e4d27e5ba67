using SseApp.Bench.Greedy;
using SseApp.Tests.Chaos;

namespace SseApp.Tests.EndToEnd;

/// <summary>A rolling restart under load, in real processes with every setting but <c>Balancing:Rebalance</c> as users have it.</summary>
public sealed class RollingRestartTests(RedisServer redis, ITestOutputHelper output) : IClassFixture<RedisServer>
{
    private const int Replicas = 3;
    private const int Clients = 300;
    private const double MostToMean = 1.25;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_rebalanced = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(200);

    [LongFact]
    public async Task Streams_are_spread_again_within_two_minutes_and_nobody_loses_an_event()
    {
        await using var cluster = await ServiceCluster.StartAsync(redis, new ServiceClusterOptions
        {
            Replicas = Replicas,
            ShortTimes = false,
            Settings = [("Balancing:Rebalance", "true")],
        });
        using var publisher = new HttpClient { BaseAddress = cluster.Gateway.Address };
        using var topic = new NumberedTopic("news", publisher);
        var receipts = Enumerable.Range(0, Clients).Select(i => new Receipt(topic, i)).ToArray();
        var https = Enumerable.Range(0, Clients).Select(i => LoopbackClient.Create(cluster.Gateway.Address, i)).ToArray();
        var clients = receipts.Select((receipt, i) =>
            EventSourceClient.Open(https[i], "/events?topic=news", received => receipt.Add(received.Data))).ToArray();
        await Eventually.Async(() => Array.TrueForAll(clients, client => client.Opened > 0), s_limit, "all streams to open");
        using var stopping = new CancellationTokenSource();
        var publishing = PublishAsync(topic, stopping.Token);

        foreach (var replica in cluster.Replicas)
        {
            replica.Process.Terminate();
            await replica.Process.WaitForExitAsync().WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken);
            await replica.StartAsync();
            await cluster.HealthyAsync(Replicas);
        }

        var restarted = Stopwatch.GetTimestamp();
        output.WriteLine($"after the last restart: {string.Join(" / ", await ConnectionsAsync(cluster))}");
        var last = Array.Empty<int>();
        await Eventually.Async(
            async () =>
            {
                last = await ConnectionsAsync(cluster);
                return last.Sum() == Clients && last.Max() <= MostToMean * Clients / Replicas;
            },
            s_rebalanced,
            $"no replica to hold more than {MostToMean} times the mean");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{string.Join(" / ", last)} after {Stopwatch.GetElapsedTime(restarted).TotalSeconds:0.0} s"));

        await stopping.CancelAsync();
        await publishing;
        await Eventually.Async(() => Array.TrueForAll(receipts, receipt => receipt.Last == topic.Count - 1), s_limit, "every event to arrive");
        output.WriteLine($"opened {clients.Sum(client => client.Opened)}, at most {clients.Max(client => client.Opened)} by one client, {topic.Count} events");
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }

        Assert.All(receipts, receipt => Assert.Null(receipt.FindFault()));
        Assert.All(https, http => http.Dispose());
    }

    private static async Task<int[]> ConnectionsAsync(ServiceCluster cluster) =>
        [.. (await cluster.ListAsync()).Select(replica => replica.GetProperty("connections").GetInt32())];

    private static async Task PublishAsync(NumberedTopic topic, CancellationToken stopped)
    {
        using var pace = new PeriodicTimer(s_pace, TimeProvider.System);
        while (!stopped.IsCancellationRequested)
        {
            await topic.PublishAsync(CancellationToken.None);
            await pace.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}
