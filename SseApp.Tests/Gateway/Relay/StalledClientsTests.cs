namespace SseApp.Tests.Gateway.Relay;

/// <summary>Many clients on HTTP/1.1 that do not read, all on the relay connection of one that does.</summary>
public sealed class StalledClientsTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private const int Stalled = 100;
    private const int Resumed = 10;
    // The kernel alone takes more than 2 MB for each of them.
    private const int Batches = 50;
    private const int BatchEvents = 3;
    private const int EventBytes = 50_000;

    [Fact]
    public async Task Each_of_them_is_disconnected_and_resumes_and_the_reader_gets_everything_at_once()
    {
        var prefix = Guid.NewGuid().ToString("N");
        var replica = Own(await EventsHost.StartAsync(
            redis, prefix, ("Streaming:MaxBacklogBytes", "262144"), ("Streaming:MaxBacklogAge", "00:10:00"), ("Streaming:CloseTimeout", "00:00:00.200")));
        var gateway = Own(await GatewayHost.StartAsync(null, new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["ConnectionStrings:redis"] = redis.ConnectionString,
            ["Cluster:KeyPrefix"] = prefix,
            ["Relay:ConnectionsPerReplica"] = "1",
            ["Relay:CloseTimeout"] = "00:00:00.200",
        }));
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be routed to");
        using var slow = replica.Collect("sse_slow_consumers_total");
        await using var reader = await SseReader.OpenAsync(gateway.Client, "/events?topic=big");
        await reader.OpenedAsync();
        var stalled = new List<RawStream>();
        for (var i = 0; i < Stalled; i++)
        {
            stalled.Add(await RawStream.ConnectAsync(gateway.Address, receiveBuffer: 4 * 1024));
            await stalled[i].OpenAsync("topic=big");
        }

        Assert.Single(RelayTests.Links(gateway));
        string[] sent = [.. Enumerable.Range(0, Batches * BatchEvents).Select(i => string.Create(CultureInfo.InvariantCulture, $"{i} {new string('x', EventBytes)}"))];
        for (var batch = 0; batch < sent.Length; batch += BatchEvents)
        {
            var reading = reader.DataAsync(BatchEvents);
            for (var i = batch; i < batch + BatchEvents; i++)
            {
                (await replica.PublishAsync("big", sent[i])).Dispose();
            }

            Assert.Equal(sent[batch..(batch + BatchEvents)], await reading);
        }

        await UntilAsync(() => slow.GetMeasurementSnapshot().Sum(measurement => measurement.Value) == Stalled, "each stalled client to be counted");
        await UntilAsync(() => RelayTests.Links(gateway).Sum(link => link.Count) == 1, "the gateway to let go of them");
        foreach (var stream in stalled[..Resumed])
        {
            await ResumeAsync(gateway, stream, sent);
        }

        stalled.ForEach(stream => stream.Dispose());
    }

    private static async Task ResumeAsync(GatewayHost gateway, RawStream stream, string[] sent)
    {
        var got = new List<string>();
        var id = stream.LastEventId;
        try
        {
            while (await stream.NextAsync() is { } next)
            {
                got.Add(next.Data);
                id = next.LastEventId;
            }
        }
        catch (IOException)
        {
            // It was cut, as it should be: something is missing.
        }

        await using var again = await SseReader.OpenAsync(gateway.Client, "/events?topic=big", id);
        await again.OpenedAsync();
        Assert.Equal(sent, got.Concat(await again.DataAsync(sent.Length - got.Count)));
    }
}
