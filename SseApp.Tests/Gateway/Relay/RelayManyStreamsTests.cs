namespace SseApp.Tests.Gateway.Relay;

[Collection<RunsAlone>]
public sealed class RelayManyStreamsTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private const int Streams = 5_000;

    // Objects of client, gateway and replica together, which share this process; about 30 KiB are usual.
    private const long MaxBytesPerStream = 64 * 1024;

    [LongFact]
    public async Task Five_thousand_streams_take_bounded_memory_and_those_after_them_no_more()
    {
        var prefix = Guid.NewGuid().ToString("N");
        var replica = Own(await EventsHost.StartAsync(redis, prefix));
        var gateway = Own(await GatewayHost.StartAsync(null, new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["ConnectionStrings:redis"] = redis.ConnectionString,
            ["Cluster:KeyPrefix"] = prefix,
            ["Limits:StreamsPerAddress"] = "0",
            ["Limits:ConnectsPerSecond"] = "0",
        }));
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be routed to");
        using var active = replica.Collect("sse_active_connections");

        // Code is compiled and pools are filled by the first ones.
        await RoundAsync(200, measure: null);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var open = 0L;
        await RoundAsync(Streams, () =>
        {
            open = GC.GetTotalMemory(forceFullCollection: true);
            Assert.Equal(Streams, RelayTests.Links(gateway).Sum(link => link.Count));
        });
        Assert.InRange((open - before) / Streams, 0, MaxBytesPerStream);

        var first = open;
        await RoundAsync(Streams, () => open = GC.GetTotalMemory(forceFullCollection: true));
        Assert.True(open - before < (first - before) * 1.25, $"{first - before} bytes for the first streams, {open - before} for as many after they left.");

        async Task RoundAsync(int streams, Action? measure)
        {
            using (var clients = await SocketStreams.OpenAsync(gateway.Address, "many", streams))
            {
                (await replica.PublishAsync("many", "for everybody")).Dispose();
                await clients.ReadUntilAsync("for everybody");
                measure?.Invoke();
            }

            await Eventually.Async(
                () =>
                {
                    active.RecordObservableInstruments();
                    return active.LastMeasurement!.Value == 0 && RelayTests.Links(gateway).Sum(link => link.Count) == 0;
                },
                TimeSpan.FromSeconds(30),
                "all streams to be freed");
        }
    }
}
