namespace SseApp.Tests.EndToEnd;

/// <summary>Resident memory of a gateway, alone in its process, under streams that come, leave and come again.</summary>
[Collection(typeof(RunsAlone))]
public sealed class GatewayMemoryTests(RedisServer redis, ITestOutputHelper output) : IClassFixture<RedisServer>
{
    private const int Streams = 5_000;
    private const int Rounds = 4;
    private const int HeapMiB = 192;
    private const long KiB = 1024;
    // The bench sees 5.6 to 14 KiB when all is calm; here streams come as fast as they can.
    private const long MaxBytesPerStream = 50 * KiB;
    // The heap's own ups and downs; what two rounds of streams would leave is twice as much.
    private const long MaxGrowth = Streams * 20 * KiB;

    // The heap is compacted some seconds after a wave of streams.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [LongFact]
    public async Task Five_thousand_streams_take_bounded_memory_and_those_after_them_no_more()
    {
        await using var cluster = await ServiceCluster.StartAsync(redis, new ServiceClusterOptions
        {
            Replicas = 1,
            QuickStart = false,
            // With much memory the collector lets garbage lie, which no look from outside can tell from streams. With little it
            // cannot: streams that stay when their clients have left end the gateway by the third round.
            Settings = [("DOTNET_GCgen0size", "0x400000"), ("DOTNET_GCHeapHardLimit", string.Create(CultureInfo.InvariantCulture, $"0x{HeapMiB << 20:x}"))],
        });
        using var client = new HttpClient { BaseAddress = cluster.Gateway.Address };

        // Code is compiled and pools are filled by the first ones.
        await RoundAsync(200, "0", () => Task.CompletedTask);
        var empty = cluster.Gateway.Process.ResidentBytes;
        var second = 0L;
        for (var round = 1; round <= Rounds; round++)
        {
            await RoundAsync(Streams, round.ToString(CultureInfo.InvariantCulture), async () =>
            {
                await ResidentAsync(empty + (Streams * MaxBytesPerStream), $"{Streams} streams to take at most {MaxBytesPerStream / KiB} KiB each");
                if (round == 2)
                {
                    second = cluster.Gateway.Process.ResidentBytes;
                }
                else if (round > 2)
                {
                    await ResidentAsync(second + MaxGrowth, $"round {round} to take no more than the second one");
                }
            });
        }

        Task ResidentAsync(long limit, string what) => Eventually.Async(() => cluster.Gateway.Process.ResidentBytes <= limit, s_limit, what);

        async Task RoundAsync(int count, string data, Func<Task> measure)
        {
            using (var streams = await SocketStreams.OpenAsync(cluster.Gateway.Address, "many", count))
            {
                using var content = new StringContent(data);
                using var answer = await client.PostAsync("/topics/many/events", content, TestContext.Current.CancellationToken);
                answer.EnsureSuccessStatusCode();
                await streams.ReadUntilAsync($"data: {data}\n");
                output.WriteLine($"{count} streams: {cluster.Gateway.Process.ResidentBytes / KiB} KiB");
                await measure();
                output.WriteLine($"{count} streams, measured: {cluster.Gateway.Process.ResidentBytes / KiB} KiB");
            }

            await Eventually.Async(
                async () => (await cluster.ListAsync()).All(replica => replica.GetProperty("connections").GetInt32() == 0), s_limit, "all streams to be freed");
            output.WriteLine($"none: {cluster.Gateway.Process.ResidentBytes / KiB} KiB");
        }
    }
}
