namespace SseApp.Tests.EndToEnd;

/// <summary>SIGTERM to real processes that hold streams. That they end in time is promised, so the time is a limit here.</summary>
public sealed class ProcessEndTests(RedisServer redis, ITestOutputHelper output) : IClassFixture<RedisServer>
{
    private const int Streams = 50;

    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_limit = s_window + TimeSpan.FromSeconds(2);

    [Fact]
    public async Task A_process_with_open_streams_exits_with_0_within_its_window_and_two_seconds()
    {
        await using var cluster = await ServiceCluster.StartAsync(redis, new ServiceClusterOptions
        {
            Replicas = 1,
            Settings = [("Drain:Window", s_window.ToString("c"))],
        });
        using var direct = new HttpClient { BaseAddress = cluster.Replicas[0].Address };
        using var proxied = new HttpClient { BaseAddress = cluster.Gateway.Address };
        var atReplica = await OpenAsync(direct);
        var atGateway = await OpenAsync(proxied);

        await EndsAsync(cluster.Gateway, atGateway);
        await EndsAsync(cluster.Replicas[0], atReplica);
    }

    private static async Task<SseReader[]> OpenAsync(HttpClient client)
    {
        var readers = await Task.WhenAll(Enumerable.Range(0, Streams).Select(_ => SseReader.OpenAsync(client, "/events?topic=quiet")));
        await Task.WhenAll(readers.Select(reader => reader.OpenedAsync()));
        return readers;
    }

    private async Task EndsAsync(ServiceProcess service, SseReader[] readers)
    {
        // A reset would throw here; a clean end is null.
        var ends = readers.Select(reader => reader.NextAsync(s_limit * 2)).ToArray();
        var started = Stopwatch.GetTimestamp();
        service.Process.Terminate();
        try
        {
            await Eventually.Async(() => service.Process.HasExited, s_limit, "its end");
            await service.Process.WaitForExitAsync();
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException(
                $"{service.Name} with {Streams} streams runs on {s_limit.TotalSeconds:0.#} s after SIGTERM, with a drain window of {s_window.TotalSeconds:0.#} s. It printed: {service.Process.Tail()}",
                exception);
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{service.Name} ended {Stopwatch.GetElapsedTime(started).TotalSeconds:0.00} s after SIGTERM."));
        Assert.True(service.Process.ExitCode == 0, $"{service.Name} exited with {service.Process.ExitCode}. It printed: {service.Process.Tail()}");
        Assert.All(await Task.WhenAll(ends), Assert.Null);
        foreach (var reader in readers)
        {
            await reader.DisposeAsync();
        }
    }
}
