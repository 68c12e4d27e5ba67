namespace SseApp.Tests.Gateway.Streams;

public sealed class ShutdownTests : GatewayTest
{
    [Fact]
    public async Task Open_streams_end_with_the_last_chunk_when_the_gateway_stops()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync();
        using var clean = await RawStreamAsync(gateway.Address);
        using var alsoClean = await RawStreamAsync(gateway.Address);
        await UntilAsync(() => origin.OpenStreams == 2, "two streams");
        origin.Send("data: last\n\n");
        await ReceiveUntilAsync(clean, "data: last");
        await ReceiveUntilAsync(alsoClean, "data: last");

        var stopped = gateway.StopAsync();

        // Receiving throws if the connection is reset.
        Assert.EndsWith("0\r\n\r\n", await ReceiveToEndAsync(clean), StringComparison.Ordinal);
        Assert.EndsWith("0\r\n\r\n", await ReceiveToEndAsync(alsoClean), StringComparison.Ordinal);
        await stopped.WaitAsync(TimeSpan.FromSeconds(5), TimeProvider.System, Cancellation);
        await UntilAsync(() => origin.OpenStreams == 0, "the replica's streams to end with the gateway");
    }

    [Fact]
    public async Task A_client_that_is_being_written_to_when_the_gateway_stops_gets_the_last_chunk_too()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(("Relay:CloseTimeout", "00:00:30"));
        // So little that a write to the client is under way as long as it does not read.
        using var slow = await RawStreamAsync(gateway.Address, receiveBuffer: 16 * 1024);
        await UntilAsync(() => origin.OpenStreams == 1, "a stream");
        var event64 = $"data: {new string('x', 64 * 1024)}\n\n";
        for (var i = 0; i < 256; i++)
        {
            origin.Send(event64);
        }

        var received = await ReceiveUntilAsync(slow, "data: xxx");
        var stopped = gateway.StopAsync();
        await UntilAsync(() => gateway.Logs.Any(log => log.StartsWith("Drained", StringComparison.Ordinal)), "the drain to give up on the stream");

        // The first reading may end between the chunks.
        Assert.EndsWith("\r\n0\r\n\r\n", received + await ReceiveToEndAsync(slow), StringComparison.Ordinal);
        await stopped;
    }

    [Fact]
    public async Task A_client_that_takes_nothing_is_cut_and_does_not_hold_up_the_stop()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(("Relay:CloseTimeout", "00:00:00.200"), ("Drain:Window", "00:00:30"));
        using var slow = await RawStreamAsync(gateway.Address, receiveBuffer: 16 * 1024);
        await UntilAsync(() => origin.OpenStreams == 1, "a stream");
        for (var i = 0; i < 256; i++)
        {
            origin.Send($"data: {new string('x', 64 * 1024)}\n\n");
        }

        await ReceiveUntilAsync(slow, "data: xxx");

        await gateway.StopAsync().WaitAsync(TimeSpan.FromSeconds(15), TimeProvider.System, Cancellation);
    }

    [Fact]
    public async Task A_stream_that_breaks_on_the_replica_while_the_gateway_runs_is_not_passed_off_as_complete()
    {
        await TcpOriginAsync("r1", async (socket, cancellationToken) =>
        {
            await socket.SendAsync(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n"u8.ToArray(), cancellationToken);
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        });
        var gateway = await GatewayAsync();
        using var client = await RawStreamAsync(gateway.Address);

        var received = "";
        try
        {
            received = await ReceiveToEndAsync(client);
        }
        catch (SocketException)
        {
            // A reset is what the client should see; a bare end without the last chunk is as good.
        }

        Assert.DoesNotContain("\r\n0\r\n\r\n", received, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_request_that_waits_for_its_replica_is_refused_softly_when_the_gateway_stops()
    {
        var origin = await TcpOriginAsync("r1", (_, cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken));
        var gateway = await GatewayAsync();
        using var client = await RawStreamAsync(gateway.Address);
        await UntilAsync(() => origin.Requests == 1, "the request to reach the replica");

        var stopped = gateway.StopAsync();

        var received = await ReceiveToEndAsync(client);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", received, StringComparison.Ordinal);
        Assert.Contains("\"reason\":\"gateway-stopping\"", received, StringComparison.Ordinal);
        await stopped;
    }

    [Fact]
    public async Task A_publish_to_a_gateway_that_stops_is_answered_and_its_connection_ends()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(("Drain:Window", "00:00:30"));
        using var client = new HttpClient { BaseAddress = gateway.Address };
        Task stopped;
        using (await RawStreamAsync(gateway.Address))
        {
            await UntilAsync(() => origin.OpenStreams == 1, "a stream, which keeps the gateway for the window");
            using (var before = await PublishAsync())
            {
                Assert.Null(before.Headers.ConnectionClose);
            }

            stopped = gateway.StopAsync();
            await UntilAsync(() => gateway.Logs.Any(log => log.StartsWith("Draining", StringComparison.Ordinal)), "the drain");

            using var after = await PublishAsync();
            Assert.True(after.IsSuccessStatusCode, after.ToString());
            Assert.True(after.Headers.ConnectionClose);
        }

        await stopped;

        Task<HttpResponseMessage> PublishAsync() => client.PostAsync("/topics/a/events", new StringContent("x"), Cancellation);
    }

    private static async Task<Socket> RawStreamAsync(Uri gateway, int receiveBuffer = 0)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        if (receiveBuffer > 0)
        {
            socket.ReceiveBufferSize = receiveBuffer;
        }

        await socket.ConnectAsync(gateway.Host, gateway.Port, Cancellation);
        await socket.SendAsync(
            Encoding.ASCII.GetBytes($"GET /events?topic=a HTTP/1.1\r\nHost: {gateway.Authority}\r\nAccept: text/event-stream\r\n\r\n"), Cancellation);
        return socket;
    }

    private static async Task<string> ReceiveUntilAsync(Socket socket, string text)
    {
        var received = new StringBuilder();
        while (!received.ToString().Contains(text, StringComparison.Ordinal))
        {
            Assert.True(await ReceiveAsync(socket, received) > 0, $"The stream ended before \"{text}\": {received}");
        }

        return received.ToString();
    }

    private static async Task<string> ReceiveToEndAsync(Socket socket)
    {
        var received = new StringBuilder();
        while (await ReceiveAsync(socket, received) > 0)
        {
        }

        return received.ToString();
    }

    private static async Task<int> ReceiveAsync(Socket socket, StringBuilder received)
    {
        var buffer = new byte[4096];
        var count = await socket.ReceiveAsync(buffer, Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
        received.Append(Encoding.UTF8.GetString(buffer, 0, count));
        return count;
    }
}
