namespace SseApp.Tests.Events.FanOut;

public sealed class SlowConsumerTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task A_client_that_does_not_read_is_disconnected_and_the_others_lose_nothing()
    {
        await using var host = await EventsHost.StartAsync(
            redis, null, ("Streaming:MaxBacklogBytes", "262144"), ("Streaming:MaxBacklogAge", "00:10:00"), ("Streaming:CloseTimeout", "00:00:00.100"));
        using var slow = host.Collect("sse_slow_consumers_total");
        using var backlog = host.Collect("sse_backlog_bytes");
        using var active = host.Collect("sse_active_connections");
        using var stalled = await StallAsync(host);
        await using var healthy = await host.SubscribeAsync("busy");
        var data = new string('x', 60_000);
        var received = 0;
        long highest = 0;

        // As much as the kernel's buffers on both sides take, and then the backlog.
        while (slow.GetMeasurementSnapshot().All(measurement => measurement.Value == 0) && received < 2_000)
        {
            using var answer = await host.PublishAsync("busy", data);
            Assert.Equal(data, (await healthy.NextAsync())?.Data);
            received++;
            backlog.RecordObservableInstruments();
            highest = Math.Max(highest, backlog.LastMeasurement!.Value);
        }

        Assert.Equal("disconnect", slow.LastMeasurement!.Tags["policy"]);
        Assert.InRange(highest, 1, 262_144);
        await Eventually.Async(
            () =>
            {
                backlog.RecordObservableInstruments();
                active.RecordObservableInstruments();
                return backlog.LastMeasurement!.Value == 0 && active.LastMeasurement!.Value == 1;
            },
            s_limit,
            "the stalled stream to go with its backlog");
        using var last = await host.PublishAsync("busy", "still here");
        Assert.Equal("still here", (await healthy.NextAsync())?.Data);
    }

    [Fact]
    public async Task A_client_that_reads_late_gets_its_whole_backlog_in_order()
    {
        await using var host = await EventsHost.StartAsync(
            redis, null, ("Streaming:MaxBacklogBytes", "67108864"), ("Streaming:MaxBacklogAge", "00:10:00"));
        var backlog = host.Collect("sse_backlog_bytes");
        var readers = new List<SseReader>();
        for (var i = 0; i < 20; i++)
        {
            readers.Add(await host.SubscribeAsync("burst"));
        }

        // Half of them read at once; the others only after more was published than all buffers on the way can hold.
        var eager = readers.Take(10).Select(reader => reader.DataAsync(8_000)).ToList();
        var expected = Enumerable.Range(0, 8_000).Select(i => $"{i} {new string('x', 1_000)}").ToList();
        foreach (var batch in expected.Chunk(1_000))
        {
            var lines = batch.Select(data => $$"""{"topic":"burst","data":"{{data}}"}""");
            using var answer = await host.Client.PostAsync(
                "/publish", new StringContent(string.Join('\n', lines)), TestContext.Current.CancellationToken);
            answer.EnsureSuccessStatusCode();
        }

        foreach (var received in await Task.WhenAll(eager))
        {
            Assert.Equal(expected, received);
        }

        backlog.RecordObservableInstruments();
        Assert.True(backlog.LastMeasurement!.Value > 0, "Nothing waited in the backlog, so the late readers prove nothing.");
        foreach (var received in await Task.WhenAll(readers.Skip(10).Select(reader => reader.DataAsync(8_000))))
        {
            Assert.Equal(expected, received);
        }

        backlog.RecordObservableInstruments();
        Assert.Equal(0, backlog.LastMeasurement!.Value);
        foreach (var reader in readers)
        {
            await reader.DisposeAsync();
        }
    }

    private static async Task<Socket> StallAsync(EventsHost host)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 8 * 1024 };
        await socket.ConnectAsync(host.Address.Host, host.Address.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes("GET /events?topic=busy HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"));
        await socket.ReceiveAsync(new byte[1]);
        return socket;
    }
}
