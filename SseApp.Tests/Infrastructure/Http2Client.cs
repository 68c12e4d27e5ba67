using System.Buffers.Binary;
using System.Net.Security;

namespace SseApp.Tests.Infrastructure;

/// <summary>
/// An HTTP/2 connection whose flow control is the test's: .NET's own client always gives the connection room, and cannot
/// stop to read from its socket. Headers of responses are not looked at.
/// </summary>
internal sealed class Http2Client : IAsyncDisposable
{
    private const int HeaderBytes = 9;
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
            var tls = new SslStream(stream);
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = address.Host,
                    ApplicationProtocols = [SslApplicationProtocol.Http2],
                    // The test's own certificate; TlsTests are about trust.
                    RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
                },
                cancellation);
            Assert.Equal(SslApplicationProtocol.Http2, tls.NegotiatedApplicationProtocol);
            stream = tls;
        }

        var client = new Http2Client(socket, stream, address);
        await stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(), cancellation);
        // INITIAL_WINDOW_SIZE.
        await client.SendAsync(4, 0, 0, [0, 4, .. Number(streamWindow)]);
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
        byte[] head = [0x82, (byte)(_secure ? 0x87 : 0x86), 0x04, .. Text("/events?" + query), 0x01, .. Text(_authority), 0x0F, 0x04, .. Text("text/event-stream")];
        if (lastEventId is not null)
        {
            head = [.. head, 0x00, .. Text("last-event-id"), .. Text(lastEventId)];
        }

        // END_STREAM, END_HEADERS.
        await SendAsync(1, 0x5, id, head);
        Assert.Equal("stream.open", (await stream.NextAsync())?.Type);
        return stream;
    }

    /// <summary>Reads nothing from the socket until <see cref="ResumeSocket"/>.</summary>
    public Task PauseSocketAsync() => _reading.WaitAsync(TestContext.Current.CancellationToken);

    public void ResumeSocket() => _reading.Release();

    public Task SendWindowAsync(int stream, int bytes) => SendAsync(8, 0, stream, Number(bytes));

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

    private static byte[] Number(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] Text(string value)
    {
        var bytes = Encoding.ASCII.GetBytes(value);
        // A length of 7 bits, continued in groups of 7.
        List<byte> length = [(byte)Math.Min(bytes.Length, 127)];
        for (var rest = bytes.Length - 127; rest >= 0; rest = rest < 128 ? -1 : rest >> 7)
        {
            length.Add((byte)(rest < 128 ? rest : (rest & 127) | 128));
        }

        return [.. length, .. bytes];
    }

    private async Task SendAsync(byte type, byte flags, int stream, byte[] payload)
    {
        byte[] frame = [(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, .. Number(stream), .. payload];
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
        var header = new byte[HeaderBytes];
        try
        {
            while (true)
            {
                await _reading.WaitAsync(_ended.Token);
                _reading.Release();
                await _stream.ReadExactlyAsync(header, _ended.Token);
                var payload = new byte[(header[0] << 16) | (header[1] << 8) | header[2]];
                await _stream.ReadExactlyAsync(payload, _ended.Token);
                await HandleAsync(header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)), payload);
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

    private async Task HandleAsync(byte type, byte flags, int id, byte[] payload)
    {
        var stream = _streams.GetValueOrDefault(id);
        switch (type)
        {
            case 0:
                await stream!.TakeAsync(payload);
                break;
            case 3:
                stream?.Complete(new Http2StreamResetException(BinaryPrimitives.ReadInt32BigEndian(payload)));
                break;
            case 4 when (flags & 1) == 0:
                await SendAsync(4, 1, 0, []);
                break;
            case 6 when (flags & 1) == 0:
                await SendAsync(6, 1, 0, payload);
                break;
            case 7:
                Ended = new IOException($"GOAWAY with code {BinaryPrimitives.ReadInt32BigEndian(payload.AsSpan(4))}.");
                break;
        }

        if (type is 0 or 1 && (flags & 1) != 0)
        {
            stream!.Complete(null);
        }
    }
}
