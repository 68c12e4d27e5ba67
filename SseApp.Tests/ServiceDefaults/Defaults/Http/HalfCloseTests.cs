using SseApp.Events.Diagnostics;

namespace SseApp.Tests.ServiceDefaults.Defaults.Http;

public sealed class HalfCloseTests(RedisServer redis) : EdgeTest(redis)
{
    [Theory]
    [InlineData("gateway")]
    [InlineData("gateway without relay")]
    [InlineData("replica")]
    public async Task A_client_that_says_no_more_gets_its_stream_until_it_leaves(string service)
    {
        var (gateway, replica) = await StartAsync(relay: service != "gateway without relay");
        var address = service == "replica" ? replica.Address : gateway.Address;
        for (var i = 0; i < 10; i++)
        {
            using var socket = await AskAsync(address, "GET /events?topic=a HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n");
            await RawHttp.ReadAsync(socket, until: "\"resumed\"");
            using var published = await replica.PublishAsync("a", $"event {i}");
            Assert.Contains($"data: event {i}\n", await RawHttp.ReadAsync(socket, until: $"data: event {i}\n"), StringComparison.Ordinal);
        }

        // What is sent to a client that has left is answered with a reset.
        using var last = await replica.PublishAsync("a", "last");
        await UntilAsync(() => replica.Get<EventsMetrics>().ActiveConnections == 0, "the streams of clients that left to end");
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task A_client_that_leaves_its_stream_is_noticed_at_once(string service)
    {
        var (gateway, replica) = await StartAsync();
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            await socket.ConnectAsync("127.0.0.1", (service == "replica" ? replica.Address : gateway.Address).Port, Cancellation);
            await socket.SendAsync("GET /events?topic=a HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), Cancellation);
            await RawHttp.ReadAsync(socket, until: "\"resumed\"");
        }

        await UntilAsync(() => replica.Get<EventsMetrics>().ActiveConnections == 0, "the stream to end, long before a heartbeat");
    }

    /// <summary>Its end may come together with the last byte of its body.</summary>
    [Theory]
    [InlineData("gateway", 2)]
    [InlineData("gateway", 60_000)]
    [InlineData("replica", 2)]
    [InlineData("replica", 60_000)]
    public async Task A_publisher_that_says_no_more_gets_its_answer(string service, int length)
    {
        var (gateway, replica) = await StartAsync();
        var address = service == "replica" ? replica.Address : gateway.Address;
        for (var i = 0; i < 10; i++)
        {
            using var socket = await AskAsync(address, $"POST /topics/half/events HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{new string('x', length)}");
            Assert.StartsWith("HTTP/1.1 201 ", await RawHttp.ReadAsync(socket, until: "\"offset\""), StringComparison.Ordinal);
        }
    }

    private static async Task<Socket> AskAsync(Uri address, string request)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port, Cancellation);
        // Both in one segment, so that the end does not come after the first byte of the answer (TCP_CORK).
        socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, 3, BitConverter.GetBytes(1));
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), Cancellation);
        socket.Shutdown(SocketShutdown.Send);
        return socket;
    }
}
