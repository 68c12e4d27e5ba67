namespace SseApp.Tests.Infrastructure;

/// <summary>Thousands of streams on bare sockets, each past its <c>stream.open</c>.</summary>
internal sealed class SocketStreams : IDisposable
{
    private const int AtOnce = 16;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private readonly Socket[] _sockets;

    private SocketStreams(int count) => _sockets = new Socket[count];

    public static async Task<SocketStreams> OpenAsync(Uri address, string topic, int count)
    {
        var streams = new SocketStreams(count);
        try
        {
            var request = Encoding.ASCII.GetBytes($"GET /events?topic={topic} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n");
            await streams.EachAsync(async index =>
            {
                var socket = streams._sockets[index] = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
                await socket.SendAsync(request, TestContext.Current.CancellationToken);
                await ReadUntilAsync(socket, "stream.open");
            });
            return streams;
        }
        catch
        {
            streams.Dispose();
            throw;
        }
    }

    /// <summary>Reads each until <paramref name="text"/> has come.</summary>
    public Task ReadUntilAsync(string text) => EachAsync(index => ReadUntilAsync(_sockets[index], text));

    public void Dispose()
    {
        foreach (var socket in _sockets)
        {
            socket?.Dispose();
        }
    }

    private Task EachAsync(Func<int, Task> action) => Parallel.ForAsync(
        0,
        _sockets.Length,
        new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = TestContext.Current.CancellationToken },
        async (index, _) => await action(index));

    private static async Task ReadUntilAsync(Socket socket, string awaited)
    {
        var buffer = new byte[4096];
        var text = "";
        while (!text.Contains(awaited, StringComparison.Ordinal))
        {
            var read = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(s_limit, TimeProvider.System);
            Assert.True(read > 0, $"The stream ended before \"{awaited}\" came; received: {text}");
            text += Encoding.UTF8.GetString(buffer, 0, read);
        }
    }
}
