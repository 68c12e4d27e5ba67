namespace SseApp.Tests.Infrastructure;

/// <summary>A replica made of bare bytes: what it answers, and how it breaks, is up to the test.</summary>
internal sealed class TcpOrigin : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopped = new();
    private readonly Func<Socket, CancellationToken, Task> _answer;
    private readonly Task _accepting;
    private int _requests;

    private TcpOrigin(Func<Socket, CancellationToken, Task> answer)
    {
        _answer = answer;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Address => new($"http://{_listener.LocalEndpoint}");

    /// <summary>Requests taken, health checks left out.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <param name="answer">Called after the head of a request was read; the connection is closed when it returns.</param>
    public static TcpOrigin Start(Func<Socket, CancellationToken, Task> answer) => new(answer);

    public ReplicaRecord Record(string id) => new() { Id = id, Address = Address, State = ReplicaState.Ready };

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stopped.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                connections.Add(ServeAsync(await _listener.AcceptSocketAsync(_stopped.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                socket.NoDelay = true;
                var head = new StringBuilder();
                var buffer = new byte[4096];
                while (!head.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
                {
                    var count = await socket.ReceiveAsync(buffer, _stopped.Token);
                    if (count == 0)
                    {
                        return;
                    }

                    head.Append(Encoding.ASCII.GetString(buffer, 0, count));
                }

                if (head.ToString().StartsWith("GET /health ", StringComparison.Ordinal))
                {
                    await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray(), _stopped.Token);
                    return;
                }

                Interlocked.Increment(ref _requests);
                await _answer(socket, _stopped.Token);
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException)
            {
                // The gateway hung up, or the test is over.
            }
        }
    }
}
