using System.Net.Sockets;

namespace SseApp.Bench.Greedy;

/// <summary>A client with an address of its own, out of 127.1.0.0/16: to a gateway on this machine it is another client.</summary>
internal static class LoopbackClient
{
    public static IPAddress Address(int number) => new([127, 1, (byte)(number >> 8), (byte)number]);

    public static HttpClient Create(Uri gateway, int number) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (context, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                socket.Bind(new IPEndPoint(Address(number), 0));
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    })
    {
        BaseAddress = gateway,
        Timeout = Timeout.InfiniteTimeSpan,
    };
}
