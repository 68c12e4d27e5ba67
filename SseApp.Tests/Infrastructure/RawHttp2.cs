using System.Buffers.Binary;
using System.Net.Security;

namespace SseApp.Tests.Infrastructure;

/// <summary>An HTTP/2 connection over TLS made of bare frames, for what no client would send.</summary>
internal sealed class RawHttp2 : IAsyncDisposable
{
    public const byte Data = 0;
    public const byte Headers = 1;
    public const byte Priority = 2;
    public const byte Reset = 3;
    public const byte Settings = 4;
    public const byte Ping = 6;
    public const byte WindowUpdate = 8;
    public const byte Continuation = 9;
    public const byte EndStream = 1;
    public const byte EndHeaders = 4;

    private const byte GoAway = 7;
    private const byte Acknowledged = 1;
    private const int HeaderBytes = 9;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private readonly Socket _socket;
    private readonly SslStream _stream;
    private readonly Task _reading;
    private int _pongs;

    private RawHttp2(Socket socket, SslStream stream, bool reads)
    {
        _socket = socket;
        _stream = stream;
        _reading = reads ? Task.Run(ReadAsync) : Task.CompletedTask;
    }

    /// <summary>The code of the server's GOAWAY; null while, or if, there was none.</summary>
    public int? GoneWith { get; private set; }

    /// <summary>The status of each response that has begun, by its stream.</summary>
    public ConcurrentDictionary<int, int> Statuses { get; } = new();

    /// <summary>The code of each stream that the server has reset.</summary>
    public ConcurrentDictionary<int, int> Resets { get; } = new();

    /// <param name="address">The server's.</param>
    /// <param name="reads">False: nothing that it sends is read, nor taken from the socket.</param>
    /// <param name="hello">What to begin with; null: preface and SETTINGS, as it should be.</param>
    public static async Task<RawHttp2> ConnectAsync(Uri address, bool reads = true, byte[]? hello = null)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (!reads)
        {
            socket.ReceiveBufferSize = 4 * 1024;
        }

        await socket.ConnectAsync(IPAddress.Loopback, address.Port, TestContext.Current.CancellationToken);
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "events.example",
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                // The test's own certificate; TlsTests are about trust.
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            },
            TestContext.Current.CancellationToken);
        var connection = new RawHttp2(socket, tls, reads);
        // No table for the headers of responses, whose status then is found without one; a window that takes everything.
        await connection.SendAsync(hello ?? [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, [0, 1, 0, 0, 0, 0, 0, 4, 0x3F, 0xFF, 0xFF, 0xFF]), .. Frame(WindowUpdate, 0, 0, Number(1 << 30))]);
        return connection;
    }

    public static byte[] Frame(byte type, byte flags, int stream, params byte[] payload) =>
        [(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, .. Number(stream), .. payload];

    /// <summary>A block of these fields, a byte for each character (RFC 7541, 6.2.2: literal, not indexed).</summary>
    public static byte[] Fields(params (string Name, string Value)[] fields) =>
        [.. fields.SelectMany(field => (byte[])[0, .. Text(field.Name), .. Text(field.Value)])];

    public static byte[] Request(string method, string path, params (string Name, string Value)[] fields) =>
        Fields([(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path), .. fields]);

    /// <summary>A whole request without a body.</summary>
    public static byte[] Get(int stream, string path, params (string Name, string Value)[] fields) =>
        Frame(Headers, EndStream | EndHeaders, stream, Request("GET", path, fields));

    public static byte[] Number(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    /// <returns>False when the connection has ended, or takes nothing more within the limit.</returns>
    public async Task<bool> SendAsync(byte[] bytes, TimeSpan? limit = null)
    {
        try
        {
            using var late = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            late.CancelAfter(limit ?? s_limit);
            await _stream.WriteAsync(bytes, late.Token);
            return true;
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Waits for the end of the connection, and tells the code of its GOAWAY.</summary>
    public async Task<int?> EndedAsync()
    {
        await _reading.WaitAsync(s_limit, TimeProvider.System);
        return GoneWith;
    }

    /// <summary>Waits until the server has taken so many PINGs and all that came before them.</summary>
    /// <returns>False when it has ended the connection instead.</returns>
    public async Task<bool> PongAsync(int count)
    {
        await Eventually.Async(() => Volatile.Read(ref _pongs) >= count || _reading.IsCompleted, s_limit, "the server to answer PING");
        return Volatile.Read(ref _pongs) >= count;
    }

    /// <summary>The status of the response on a stream, or the negative code with which the server reset it; null when the connection has ended.</summary>
    public async Task<int?> AnswerAsync(int stream)
    {
        await Eventually.Async(() => Statuses.ContainsKey(stream) || Resets.ContainsKey(stream) || _reading.IsCompleted, s_limit, $"an answer on stream {stream}");
        return Statuses.TryGetValue(stream, out var status) ? status : Resets.TryGetValue(stream, out var code) ? -code : null;
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _reading;
        await _stream.DisposeAsync();
    }

    private static byte[] Text(string value)
    {
        var bytes = Encoding.Latin1.GetBytes(value);
        if (bytes.Length < 127)
        {
            return [(byte)bytes.Length, .. bytes];
        }

        // A length of 7 bits, continued in groups of 7.
        List<byte> length = [127];
        var rest = bytes.Length - 127;
        for (; rest >= 128; rest >>= 7)
        {
            length.Add((byte)((rest & 127) | 128));
        }

        return [.. length, (byte)rest, .. bytes];
    }

    private static int Status(ReadOnlySpan<byte> block)
    {
        // What the size of the table changes to, then an index of the static table, or a literal.
        while (block[0] >> 5 == 1)
        {
            block = block[1..];
        }

        return block[0] switch
        {
            >= 0x88 and <= 0x8E => (ReadOnlySpan<int>)[200, 204, 206, 304, 400, 404, 500] is var known ? known[block[0] - 0x88] : 0,
            _ => int.Parse(block.Slice(2, block[1] & 0x7F), NumberStyles.None, CultureInfo.InvariantCulture),
        };
    }

    private async Task ReadAsync()
    {
        var header = new byte[HeaderBytes];
        try
        {
            while (true)
            {
                await _stream.ReadExactlyAsync(header);
                var payload = new byte[(header[0] << 16) | (header[1] << 8) | header[2]];
                await _stream.ReadExactlyAsync(payload);
                var stream = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5));
                switch (header[3])
                {
                    case Headers:
                        Statuses.TryAdd(stream, Status(payload));
                        break;
                    case Reset:
                        Resets.TryAdd(stream, BinaryPrimitives.ReadInt32BigEndian(payload));
                        break;
                    case Ping when (header[4] & Acknowledged) != 0:
                        Interlocked.Increment(ref _pongs);
                        break;
                    case GoAway:
                        GoneWith = BinaryPrimitives.ReadInt32BigEndian(payload.AsSpan(4));
                        break;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
        {
            // The connection has ended.
        }
    }
}
