using System.Runtime.InteropServices;

namespace SseApp.Tests.Infrastructure;

/// <summary>One machine of a <see cref="NamespaceNetwork"/>: a network namespace with an address of its own.</summary>
internal sealed partial class NetworkHost(string name, IPAddress address)
{
    private const int NetworkNamespace = 0x40000000;

    public string Name => name;

    public IPAddress Address => address;

    /// <summary>A program that is to be started here. It has a mount namespace of its own as well.</summary>
    public ProcessStartInfo Program(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("ip", ["netns", "exec", name, program, .. arguments]);
        // Of ordinary users the PATH has no folders of administrators' programs.
        start.Environment["PATH"] += ":/usr/sbin:/sbin";
        return start;
    }

    /// <summary>
    /// For clients that are here. As those of browsers, their connections have keepalive on, in place of 45 s after three:
    /// it is all that tells them of a server which has ceased to be there without a word.
    /// </summary>
    public SocketsHttpHandler Handler() => new()
    {
        ConnectCallback = async (context, cancellationToken) =>
        {
            var socket = Open();
            try
            {
                socket.NoDelay = true;
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 3);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 3);
                await socket.ConnectAsync(IPAddress.Parse(context.DnsEndPoint.Host), context.DnsEndPoint.Port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };

    /// <summary>A socket belongs to the namespace of the thread that makes it, for good.</summary>
    private Socket Open()
    {
        Socket? socket = null;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var space = File.OpenHandle($"/run/netns/{name}");
                if (setns((int)space.DangerousGetHandle(), NetworkNamespace) != 0)
                {
                    throw new IOException($"setns: {Marshal.GetLastPInvokeErrorMessage()}");
                }

                socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            }
            catch (Exception exception) when (exception is IOException or SocketException or UnauthorizedAccessException)
            {
                failure = exception;
            }
        });
        thread.Start();
        thread.Join();
        return socket ?? throw new IOException($"No socket could be made in {name}.", failure);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int file, int kind);
}
