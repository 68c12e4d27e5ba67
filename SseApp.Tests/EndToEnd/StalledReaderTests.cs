namespace SseApp.Tests.EndToEnd;

/// <summary>Clients that open a stream and never read, at a replica and a gateway whose heaps are limited as in a small container.</summary>
public sealed class StalledReaderTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private const int HeapMiB = 64;
    private const int PublishedMiB = 96;
    // A batch must fit the backlog (1 MiB), and its events have different keys: a reader that is only late for a moment
    // loses nothing under any policy.
    private const int BatchEvents = 12;
    private const int EventBytes = 60_000;
    private const int StalledReaders = 2;
    // All of them on one relay connection, with the one that reads.
    private const int StalledBehindGateway = 60;
    private const int StalledOnHttp2 = 40;
    private const int Stalled = StalledReaders + StalledBehindGateway + StalledOnHttp2;
    private const int MaxBacklogBytes = 1024 * 1024;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    [LongTheory]
    [InlineData("disconnect")]
    [InlineData("drop-oldest")]
    [InlineData("conflate")]
    public async Task Memory_keeps_its_bound_others_get_everything_and_the_policy_is_counted(string policy)
    {
        using var certificate = new TestCertificate();
        var secure = new Uri($"https://127.0.0.1:{Ports.Next()}");
        await using var cluster = await ServiceCluster.StartAsync(
            redis,
            new ServiceClusterOptions
            {
                Replicas = 1,
                QuickStart = false,
                Settings =
                [
                    ("DOTNET_GCHeapHardLimit", string.Create(CultureInfo.InvariantCulture, $"0x{HeapMiB * 1024 * 1024:x}")),
                    ("Streaming:Overflow:0:Pattern", "busy"),
                    ("Streaming:Overflow:0:Policy", policy.Replace("-", "", StringComparison.Ordinal)),
                    ("Streaming:MaxBacklogBytes", $"{MaxBacklogBytes}"),
                    ("Streaming:MaxBacklogAge", "00:10:00"),
                    ("Relay:ConnectionsPerReplica", "1"),
                    ("Tls:CertificateFile", certificate.CertificateFile),
                    ("Tls:KeyFile", certificate.KeyFile),
                    ("Tls:Urls", secure.GetLeftPart(UriPartial.Authority)),
                    ("Tls:Redirect", "false"),
                ],
            });
        var replica = cluster.Replicas[0];
        using var direct = new HttpClient { BaseAddress = replica.Address };
        using var operators = OperatorAccess.Client(replica.Admin);
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
        }

        for (var i = 0; i < StalledBehindGateway; i++)
        {
            stalled.Add(await StallAsync(cluster.Gateway.Address));
        }

        await using var http2 = await Http2Client.ConnectAsync(secure);
        for (var i = 0; i < StalledOnHttp2; i++)
        {
            await http2.OpenAsync("topic=busy", reads: false);
        }

        var peak = 0.0;
        for (var i = 0; i < batches; i++)
        {
            await PublishAsync(proxied, i, near, far);
            var backlogs = await SumAsync(operators, "sse_backlog_bytes", "");
            peak = Math.Max(peak, backlogs);
            Assert.InRange(backlogs, 0, (long)Stalled * MaxBacklogBytes);
            Assert.InRange(replica.Process.ResidentBytes, 0, usual.Replica + (HeapMiB * 1024 * 1024));
            Assert.InRange(cluster.Gateway.Process.ResidentBytes, 0, usual.Gateway + (HeapMiB * 1024 * 1024));
        }

        Assert.True(peak > MaxBacklogBytes, $"The backlogs held {peak} bytes at most, so nobody was stalled.");
        await Eventually.Async(
            async () => await SumAsync(operators, "sse_slow_consumers_total", $"policy=\"{policy}\"") >= Stalled,
            s_limit,
            $"all stalled clients to be counted with the policy {policy}");
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
        var lines = data.Select((text, i) => $$"""{"topic":"busy","data":"{{text}}","key":"k{{i}}"}""");
        var received = readers.Select(reader => reader.DataAsync(BatchEvents)).ToArray();
        using var answer = await client.PostAsync("/publish", new StringContent(string.Join('\n', lines)), TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        foreach (var events in await Task.WhenAll(received))
        {
            Assert.Equal(data, events);
        }
    }

    private static async Task<double> SumAsync(HttpClient operators, string metric, string label)
    {
        var metrics = await operators.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
        double[] values = [.. metrics.Split('\n')
            .Where(line => line.StartsWith(metric + "{", StringComparison.Ordinal) && line.Contains(label, StringComparison.Ordinal))
            .Select(line => double.Parse(line[(line.IndexOf('}', StringComparison.Ordinal) + 2)..].Split(' ')[0], CultureInfo.InvariantCulture))];
        return values.Sum();
    }
}
