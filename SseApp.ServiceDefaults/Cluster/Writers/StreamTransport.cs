using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace SseApp.ServiceDefaults.Cluster.Writers;

/// <summary>
/// Settings of Kestrel's sockets. TCP options are set on the listening socket, whose accepted sockets inherit them: no
/// system calls for each connection.
/// </summary>
internal sealed class StreamTransport(IOptions<StreamTransportOptions> transport) : IConfigureOptions<SocketTransportOptions>
{
    /// <summary>Kestrel's own output waits until the kernel took it; a slow client's backlog is kept here, in shared frames.</summary>
    public const long MaxWriteBufferSize = 1;

    // When a replica or gateway is gone, all its clients connect elsewhere at once. Those that find the queue full are
    // dropped and sent again after a second or more, or are reset; Kestrel's default is 512, the kernel's limit 4 096.
    private const int ListenBacklog = 4096;

    // Linux: netinet/tcp.h. The socket is closed when sent data stays unacknowledged for so many milliseconds.
    private const int TcpUserTimeout = 18;
    private const int KeepAliveProbes = 3;

    private readonly StreamTransportOptions _options = transport.Value;

    public void Configure(SocketTransportOptions options)
    {
        options.MaxWriteBufferSize = MaxWriteBufferSize;
        options.Backlog = ListenBacklog;
        options.CreateBoundListenSocket = endpoint =>
        {
            var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            if (endpoint is IPEndPoint)
            {
                DetectHalfOpenPeers(socket);
            }

            return socket;
        };
    }

    private void DetectHalfOpenPeers(Socket socket)
    {
        var seconds = Math.Max(1, (int)(_options.PeerTimeout.TotalSeconds / (KeepAliveProbes + 1)));
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, seconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, seconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveProbes);
        if (OperatingSystem.IsLinux())
        {
            socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, TcpUserTimeout, BitConverter.GetBytes((int)_options.PeerTimeout.TotalMilliseconds));
        }
    }
}
