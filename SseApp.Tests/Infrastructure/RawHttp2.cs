using System.Buffers.Binary;
using System.Net.Security;

namespace SseApp.Tests.Infrastructure;

/// <summary>An HTTP/2 connection over TLS made of bare frames, for what no client would send.</summary>
internal sealed class RawHttp2 : IAsyncDisposable
{
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
        var connection = new RawHttp2(socket, await Http2Frame.SecureAsync(new NetworkStream(socket, ownsSocket: true), "events.example"), reads);
        // No table for the headers of responses, whose status then is found without one; a window that takes everything.
        await connection.SendAsync(hello ??
        [
            .. Http2Frame.Preface,
            .. Http2Frame.Write(Http2Frame.Settings, 0, 0, [0, 1, 0, 0, 0, 0, 0, 4, 0x3F, 0xFF, 0xFF, 0xFF]),
            .. Http2Frame.Write(Http2Frame.WindowUpdate, 0, 0, Http2Frame.Number(1 << 30)),
        ]);
        return connection;
    }

    /// <summary>A block of these fields, a byte for each character (RFC 7541, 6.2.2: literal, not indexed).</summary>
    public static byte[] Fields(params (string Name, string Value)[] fields) =>
        [.. fields.SelectMany(field => (byte[])[0, .. Http2Frame.Text(field.Name), .. Http2Frame.Text(field.Value)])];

    public static byte[] Request(string method, string path, params (string Name, string Value)[] fields) =>
        Fields([(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path), .. fields]);

    /// <summary>A whole request without a body.</summary>
    public static byte[] Get(int stream, string path, params (string Name, string Value)[] fields) =>
        Http2Frame.Write(Http2Frame.Headers, Http2Frame.EndStream | Http2Frame.EndHeaders, stream, Request("GET", path, fields));

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
        try
        {
            while (true)
            {
                var (type, flags, stream, payload) = await Http2Frame.ReadAsync(_stream);
                switch (type)
                {
                    case Http2Frame.Headers:
                        Statuses.TryAdd(stream, Status(payload));
                        break;
                    case Http2Frame.Reset:
                        Resets.TryAdd(stream, BinaryPrimitives.ReadInt32BigEndian(payload));
                        break;
                    case Http2Frame.Ping when (flags & Http2Frame.Acknowledged) != 0:
                        Interlocked.Increment(ref _pongs);
                        break;
                    case Http2Frame.GoAway:
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
