namespace SseApp.Tests.Infrastructure;

/// <summary>What stands between a client and a server, as a gateway and a replica: passes bytes both ways, until it is told to do worse.</summary>
internal sealed class TcpPipe : IAsyncDisposable
{
    private const int HeaderBytes = 12;
    private static readonly TimeSpan s_slowness = TimeSpan.FromMilliseconds(1_500);

    private readonly ConcurrentDictionary<Socket, bool> _open = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly ConcurrentBag<Task> _running = [];
    private TcpListener _listener = new(IPAddress.Loopback, 0);
    private volatile PipeFault _fault;
    private volatile bool _holdsBack;
    private volatile TaskCompletionSource _passes = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _met;

    public TcpPipe()
    {
        _passes.SetResult();
        Listen();
        Address = new Uri($"http://{_listener.LocalEndpoint}");
    }

    public Uri Address { get; }

    /// <summary>The server behind it.</summary>
    public Uri Target { get; set; } = null!;

    /// <summary>Connections that met the present fault.</summary>
    public int Met => Volatile.Read(ref _met);

    /// <summary>Cuts all connections, and does this to those that come.</summary>
    public void Break(PipeFault fault)
    {
        Volatile.Write(ref _met, 0);
        _fault = fault;
        if (fault == PipeFault.Refuse)
        {
            _listener.Stop();
        }

        foreach (var socket in _open.Keys)
        {
            Reset(socket);
        }
    }

    /// <summary>From now on keeps what servers send, for ever, and leaves the connections open.</summary>
    public void HoldBack() => _holdsBack = true;

    /// <summary>As a network that drops everything: nothing comes through in either direction, and nobody is told. <see cref="Mend"/> lets it come late.</summary>
    public void Part() => _passes = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Passes new connections again, and what waited.</summary>
    public void Mend()
    {
        _passes.TrySetResult();
        var refused = _fault == PipeFault.Refuse;
        _fault = PipeFault.None;
        if (refused)
        {
            _listener = new TcpListener(IPAddress.Loopback, Address.Port);
            Listen();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        _listener.Stop();
        await Task.WhenAll(_running);
        _stopped.Dispose();
    }

    private void Listen()
    {
        _listener.Start(1024);
        _running.Add(AcceptAsync(_listener));
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                _running.Add(ServeAsync(await listener.AcceptSocketAsync(_stopped.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stopped, for good or until it is mended.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        _open[client] = true;
        try
        {
            await server.ConnectAsync(Target.Host, Target.Port, _stopped.Token);
            await Task.WhenAny(PassAsync(client, server), AnswerAsync(server, client, _fault));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The server is down; the client sees a reset.
            Reset(client);
        }
        finally
        {
            _open.TryRemove(client, out _);
            client.Dispose();
        }
    }

    /// <summary>From the server to the client, with the fault.</summary>
    private async Task AnswerAsync(Socket server, Socket client, PipeFault fault)
    {
        var passed = 0;
        var buffer = new byte[64 * 1024];
        while (await ReceiveAsync(server, buffer) is > 0 and var count)
        {
            if (fault != PipeFault.None && passed == 0)
            {
                Interlocked.Increment(ref _met);
            }

            var cut = fault switch
            {
                PipeFault.CutBeforeHeaders => 0,
                PipeFault.CutInHeaders => HeaderBytes,
                PipeFault.CutInEvent => buffer.AsSpan(0, count).LastIndexOf("data: "u8) is >= 0 and var at ? at + 4 : count,
                _ => count,
            };
            if (fault == PipeFault.Silent || _holdsBack)
            {
                continue;
            }

            if (fault == PipeFault.Slow && passed == 0)
            {
                await Task.Delay(s_slowness, TimeProvider.System, _stopped.Token);
            }

            await _passes.Task.WaitAsync(_stopped.Token);
            await client.SendAsync(buffer.AsMemory(0, Math.Min(cut, count)), _stopped.Token);
            passed += count;
            if (cut < count)
            {
                Reset(client);
                return;
            }
        }
    }

    private async Task PassAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        while (await ReceiveAsync(from, buffer) is > 0 and var count)
        {
            await _passes.Task.WaitAsync(_stopped.Token);
            await to.SendAsync(buffer.AsMemory(0, count), _stopped.Token);
        }
    }

    private async Task<int> ReceiveAsync(Socket socket, byte[] buffer) => await socket.ReceiveAsync(buffer, _stopped.Token);

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
            socket.Close();
        }
        catch (Exception exception) when (exception is ObjectDisposedException or SocketException)
        {
            // It went by itself.
        }
    }
}

/// <summary>What a <see cref="TcpPipe"/> does to a connection instead of passing all bytes.</summary>
internal enum PipeFault
{
    None,

    /// <summary>Nothing listens.</summary>
    Refuse,

    /// <summary>Accepts, reads, and never answers.</summary>
    Silent,

    /// <summary>Answers a second and a half late.</summary>
    Slow,

    /// <summary>Reset when the server begins to answer.</summary>
    CutBeforeHeaders,

    /// <summary>Reset within the first line of the answer.</summary>
    CutInHeaders,

    /// <summary>Reset in the middle of an event.</summary>
    CutInEvent,
}
