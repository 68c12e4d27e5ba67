using System.Buffers.Binary;

namespace SseApp.Tests.Infrastructure;

/// <summary>
/// An HTTP/2 connection whose flow control is the test's: .NET's own client always gives the connection room, and cannot
/// stop to read from its socket. Headers of responses are not looked at.
/// </summary>
internal sealed class Http2Client : IAsyncDisposable
{
    private const int Unlimited = 1 << 30;

    private readonly ConcurrentDictionary<int, Http2Stream> _streams = new();
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly SemaphoreSlim _reading = new(1, 1);
    private readonly CancellationTokenSource _ended = new();
    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly string _authority;
    private readonly bool _secure;
    private Task _loop = Task.CompletedTask;
    private int _nextId = 1;

    private Http2Client(Socket socket, Stream stream, Uri address)
    {
        _socket = socket;
        _stream = stream;
        _authority = address.Authority;
        _secure = address.Scheme == Uri.UriSchemeHttps;
    }

    /// <summary>Why the connection ended; null while it is open.</summary>
    public Exception? Ended { get; private set; }

    /// <param name="address">With <c>http</c> HTTP/2 is spoken without asking.</param>
    /// <param name="streamWindow">Bytes that may come on a stream that is not read.</param>
    /// <param name="boundedConnection">All streams together get the standard's 64 KiB and never more, read or not.</param>
    /// <param name="receiveBuffer">Of the socket; 0 for the platform's.</param>
    public static async Task<Http2Client> ConnectAsync(Uri address, int streamWindow = 64 * 1024, bool boundedConnection = false, int receiveBuffer = 0)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer > 0)
        {
            socket.ReceiveBufferSize = receiveBuffer;
        }

        await socket.ConnectAsync(address.Host, address.Port, cancellation);
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (address.Scheme == Uri.UriSchemeHttps)
        {
            stream = await Http2Frame.SecureAsync(stream, address.Host);
        }

        var client = new Http2Client(socket, stream, address);
        await stream.WriteAsync(Http2Frame.Preface, cancellation);
        // INITIAL_WINDOW_SIZE.
        await client.SendAsync(Http2Frame.Settings, 0, 0, [0, 4, .. Http2Frame.Number(streamWindow)]);
        if (!boundedConnection)
        {
            await client.SendWindowAsync(0, Unlimited);
        }

        client._loop = Task.Run(client.ReadAsync, CancellationToken.None);
        return client;
    }

    /// <summary>Requests a stream of events, and reads its <c>stream.open</c>.</summary>
    public async Task<Http2Stream> OpenAsync(string query, string? lastEventId = null, bool reads = true)
    {
        var id = Interlocked.Add(ref _nextId, 2) - 2;
        var stream = _streams[id] = new Http2Stream(this, id, reads);
        // RFC 7541: indexed fields of the static table, and literals without indexing.
        byte[] head = [0x82, (byte)(_secure ? 0x87 : 0x86), 0x04, .. Http2Frame.Text("/events?" + query), 0x01, .. Http2Frame.Text(_authority), 0x0F, 0x04, .. Http2Frame.Text("text/event-stream")];
        if (lastEventId is not null)
        {
            head = [.. head, 0x00, .. Http2Frame.Text("last-event-id"), .. Http2Frame.Text(lastEventId)];
        }

        await SendAsync(Http2Frame.Headers, Http2Frame.EndStream | Http2Frame.EndHeaders, id, head);
        Assert.Equal("stream.open", (await stream.NextAsync())?.Type);
        return stream;
    }

    /// <summary>Reads nothing from the socket until <see cref="ResumeSocket"/>.</summary>
    public Task PauseSocketAsync() => _reading.WaitAsync(TestContext.Current.CancellationToken);

    public void ResumeSocket() => _reading.Release();

    public Task SendWindowAsync(int stream, int bytes) => SendAsync(Http2Frame.WindowUpdate, 0, stream, Http2Frame.Number(bytes));

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        _socket.Dispose();
        await _loop;
        await _stream.DisposeAsync();
        _sending.Dispose();
        _reading.Dispose();
        _ended.Dispose();
    }

    private async Task SendAsync(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = Http2Frame.Write(type, flags, stream, payload);
        await _sending.WaitAsync(_ended.Token);
        try
        {
            await _stream.WriteAsync(frame, _ended.Token);
            await _stream.FlushAsync(_ended.Token);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            while (true)
            {
                await _reading.WaitAsync(_ended.Token);
                _reading.Release();
                await HandleAsync(await Http2Frame.ReadAsync(_stream, _ended.Token));
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            Ended ??= exception;
            foreach (var stream in _streams.Values)
            {
                stream.Complete(new IOException($"The connection ended: {Ended.Message}"));
            }
        }
    }

    private async Task HandleAsync(Http2Frame frame)
    {
        var (type, flags, id, payload) = frame;
        var stream = _streams.GetValueOrDefault(id);
        switch (type)
        {
            case Http2Frame.Data:
                await stream!.TakeAsync(payload);
                break;
            case Http2Frame.Reset:
                stream?.Complete(new Http2StreamResetException(BinaryPrimitives.ReadInt32BigEndian(payload)));
                break;
            case Http2Frame.Settings when (flags & Http2Frame.Acknowledged) == 0:
                await SendAsync(Http2Frame.Settings, Http2Frame.Acknowledged, 0, []);
                break;
            case Http2Frame.Ping when (flags & Http2Frame.Acknowledged) == 0:
                await SendAsync(Http2Frame.Ping, Http2Frame.Acknowledged, 0, payload);
                break;
            case Http2Frame.GoAway:
                Ended = new IOException($"GOAWAY with code {BinaryPrimitives.ReadInt32BigEndian(payload.AsSpan(4))}.");
                break;
        }

        if (type is Http2Frame.Data or Http2Frame.Headers && (flags & Http2Frame.EndStream) != 0)
        {
            stream!.Complete(null);
        }
    }
}
