using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace SseApp.Tests.ServiceDefaults.Cluster.Writers;

public sealed class StreamTransportTests
{
    /// <summary>A peer that vanished sends nothing, so only what the kernel was told makes its connection end.</summary>
    [Fact]
    public async Task Accepted_connections_end_when_their_peer_is_silent()
    {
        var options = new SocketTransportOptions();
        new StreamTransport(Options.Create(new StreamTransportOptions { PeerTimeout = TimeSpan.FromSeconds(20) })).Configure(options);
        using var listener = options.CreateBoundListenSocket(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint!, TestContext.Current.CancellationToken);

        using var accepted = await listener.AcceptAsync(TestContext.Current.CancellationToken);

        Assert.Equal(1, (int)accepted.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive)!);
        Assert.Equal(5, (int)accepted.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime)!);
        Assert.Equal(5, (int)accepted.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval)!);
        Assert.Equal(3, (int)accepted.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount)!);
        if (OperatingSystem.IsLinux())
        {
            var timeout = new byte[4];
            accepted.GetRawSocketOption((int)SocketOptionLevel.Tcp, 18, timeout);
            Assert.Equal(20_000, BitConverter.ToInt32(timeout));
        }
    }
}
