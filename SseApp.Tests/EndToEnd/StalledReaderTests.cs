using System.Globalization;
using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.EndToEnd;

/// <summary>Clients that open a stream and never read, at a replica and a gateway whose heaps are limited as in a small container.</summary>
public sealed class StalledReaderTests(RedisServer redis) : IClassFixture<RedisServer>
{
    // Room for everything that is published: only the bounds below keep the memory small.
    private const int HeapMiB = 256;
    // For garbage that was not collected yet, and for requests and answers on their way.
    private const int MarginMiB = 40;
    private const int PublishedMiB = 96;
    // A batch must fit the backlog (1 MiB): a reader that is only late for a moment loses nothing under any policy.
    private const int BatchEvents = 12;
    private const int EventBytes = 60_000;
    private const int StalledReaders = 2;
    private const int MaxBacklogBytes = 1024 * 1024;
    // Half of the stalled readers are the replica's own clients, half the gateway's, whose backlogs the replica holds too.
    private const long Backlogs = 2L * StalledReaders * MaxBacklogBytes;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("disconnect")]
    [InlineData("drop-oldest")]
    [InlineData("conflate")]
    public async Task Memory_keeps_its_bound_others_get_everything_and_the_policy_is_counted(string policy)
    {
        await using var cluster = await ServiceCluster.StartAsync(
            redis,
            new ServiceClusterOptions
            {
                Replicas = 1,
                Settings =
                [
                    // A small nursery: what is not collected soon is not garbage.
                    ("DOTNET_GCgen0size", "0x400000"),
                    ("DOTNET_GCHeapHardLimit", string.Create(CultureInfo.InvariantCulture, $"0x{HeapMiB * 1024 * 1024:x}")),
                    ("Streaming:Overflow:0:Pattern", "busy"),
                    ("Streaming:Overflow:0:Policy", policy.Replace("-", "", StringComparison.Ordinal)),
                    ("Streaming:MaxBacklogBytes", $"{MaxBacklogBytes}"),
                    ("Streaming:MaxBacklogAge", "00:10:00"),
                ],
            });
        var replica = cluster.Replicas[0];
        using var direct = new HttpClient { BaseAddress = replica.Address };
        using var proxied = new HttpClient { BaseAddress = cluster.Gateway.Address };
        await using var near = await OpenAsync(direct);
        await using var far = await OpenAsync(proxied);
        var batches = PublishedMiB * 1024 * 1024 / (BatchEvents * EventBytes);

        // What publishing and reading cost by themselves.
        for (var i = 0; i < batches / 10; i++)
        {
            await PublishAsync(proxied, i, near, far);
        }

        var usual = (Replica: replica.Process.ResidentBytes, Gateway: cluster.Gateway.Process.ResidentBytes);
        var stalled = new List<RawStream>();
        for (var i = 0; i < StalledReaders; i++)
        {
            stalled.Add(await StallAsync(replica.Address));
            stalled.Add(await StallAsync(cluster.Gateway.Address));
        }

        for (var i = 0; i < batches; i++)
        {
            await PublishAsync(proxied, i, near, far);
            Assert.InRange(await ReadMetricAsync(direct, "sse_backlog_bytes"), 0, Backlogs);
            Assert.InRange(replica.Process.ResidentBytes, 0, usual.Replica + Backlogs + (MarginMiB * 1024 * 1024));
            Assert.InRange(cluster.Gateway.Process.ResidentBytes, 0, usual.Gateway + Backlogs + (MarginMiB * 1024 * 1024));
        }

        await Eventually.Async(
            async () => await CountAsync(direct, policy) >= 2 * StalledReaders, s_limit, $"{2 * StalledReaders} slow clients counted with the policy {policy}");
        stalled.ForEach(stream => stream.Dispose());
    }

    private static async Task<SseReader> OpenAsync(HttpClient client)
    {
        var reader = await SseReader.OpenAsync(client, "/events?topic=busy");
        await reader.OpenedAsync();
        return reader;
    }

    private static async Task<RawStream> StallAsync(Uri address)
    {
        var stream = await RawStream.ConnectAsync(address, receiveBuffer: 4 * 1024);
        await stream.OpenAsync("topic=busy");
        return stream;
    }

    private static async Task PublishAsync(HttpClient client, int batch, params SseReader[] readers)
    {
        var data = Enumerable.Range(0, BatchEvents).Select(i => $"{batch} {i} {new string('x', EventBytes)}").ToArray();
        var lines = data.Select((text, i) => $$"""{"topic":"busy","data":"{{text}}","key":"k{{i % 3}}"}""");
        var received = readers.Select(reader => reader.DataAsync(BatchEvents)).ToArray();
        using var answer = await client.PostAsync("/publish", new StringContent(string.Join('\n', lines)), TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        foreach (var events in await Task.WhenAll(received))
        {
            Assert.Equal(data, events);
        }
    }

    private static async Task<double> ReadMetricAsync(HttpClient replica, string name) =>
        (await replica.GetStringAsync("/metrics", TestContext.Current.CancellationToken)).Split('\n')
            .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line[name.Length] is ' ' or '{')
            .Sum(line => double.Parse(line[(line.LastIndexOf('}') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], CultureInfo.InvariantCulture));

    private static async Task<double> CountAsync(HttpClient replica, string policy)
    {
        var metrics = await replica.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
        return metrics.Split('\n')
            .Where(line => line.StartsWith("sse_slow_consumers_total{", StringComparison.Ordinal) && line.Contains($"policy=\"{policy}\"", StringComparison.Ordinal))
            .Sum(line => double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));
    }
}
