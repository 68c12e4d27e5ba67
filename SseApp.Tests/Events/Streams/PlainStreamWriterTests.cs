namespace SseApp.Tests.Events.Streams;

/// <summary>HTTP/1.x without TLS, where there are two ways to write.</summary>
public abstract class PlainStreamWriterTests(RedisServer redis, bool direct)
    : StreamWriterTests(redis, ("Streaming:DirectSocketWrites", direct ? "true" : "false"))
{
    [Fact]
    public async Task An_HTTP_1_0_client_gets_the_plain_bytes()
    {
        await using var host = await StartAsync();
        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync(host.Address.Host, host.Address.Port, TestContext.Current.CancellationToken);
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes("GET /events?topic=old HTTP/1.0\r\nHost: localhost\r\n\r\n"), TestContext.Current.CancellationToken);
        var text = "";
        var buffer = new byte[4096];
        var published = false;
        while (!text.Contains("data: hello\n\n", StringComparison.Ordinal))
        {
            var read = await socket.GetStream().ReadAsync(buffer, TestContext.Current.CancellationToken).AsTask()
                .WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken);
            Assert.True(read > 0, $"The stream ended early: {text}");
            text += Encoding.ASCII.GetString(buffer, 0, read);
            if (!published && text.Contains("stream.open", StringComparison.Ordinal))
            {
                published = true;
                await PublishAsync(host, "old", ["hello"]);
            }
        }

        var body = text[(text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        Assert.StartsWith(": stream open\n", body, StringComparison.Ordinal);
        Assert.DoesNotContain('\r', body);
    }

    internal override async Task<IStreamPeer> ConnectAsync(EventsHost host, int receiveBuffer = 0) =>
        await RawStream.ConnectAsync(host.Address, receiveBuffer);
}
