using System.Net.Security;

namespace SseApp.Tests.Infrastructure;

/// <summary>
/// A client on a bare socket that checks the framing of each chunk itself and reads only when it is told to.
/// </summary>
internal sealed class RawStream : IStreamPeer
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly SseParser _parser = new();
    private readonly Queue<SseEvent> _events = new();

    private RawStream(Socket socket, Stream stream)
    {
        _socket = socket;
        _stream = new BufferedStream(stream, 64 * 1024);
    }

    public static async Task<RawStream> ConnectAsync(Uri address, int receiveBuffer = 0, TestCertificate? tls = null)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        if (receiveBuffer > 0)
        {
            // Before connecting, because the window is agreed on then.
            socket.ReceiveBufferSize = receiveBuffer;
        }

        await socket.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        Stream stream = new NetworkStream(socket);
        if (tls is not null)
        {
            var encrypted = new SslStream(stream);
            await encrypted.AuthenticateAsClientAsync(tls.ClientOptions(), TestContext.Current.CancellationToken);
            stream = encrypted;
        }

        return new RawStream(socket, stream);
    }

    /// <summary>The id of the last block that was read.</summary>
    public string LastEventId => _parser.LastEventId;

    /// <summary>Sends a request and reads the head of its response.</summary>
    public async Task<string> RequestAsync(string path)
    {
        await _stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"));
        await _stream.FlushAsync();
        var head = new StringBuilder();
        while (await LineAsync() is { Length: > 0 } line)
        {
            head.AppendLine(line);
        }

        return head.ToString();
    }

    /// <summary>Opens a stream and reads its <c>stream.open</c>.</summary>
    public async Task OpenAsync(string query)
    {
        Assert.Contains("Transfer-Encoding: chunked", await RequestAsync("/events?" + query), StringComparison.OrdinalIgnoreCase);
        Assert.Equal("stream.open", (await NextAsync())?.Type);
    }

    /// <summary>The next event, comments left out; null after the last chunk.</summary>
    /// <exception cref="FormatException">The bytes are not a chunk.</exception>
    public async Task<SseEvent?> NextAsync()
    {
        while (true)
        {
            if (_events.TryDequeue(out var next))
            {
                if (next.Type == ":")
                {
                    continue;
                }

                return next;
            }

            var chunk = await ChunkAsync();
            if (chunk.Length == 0)
            {
                return null;
            }

            foreach (var parsed in _parser.Feed(chunk))
            {
                _events.Enqueue(parsed);
            }
        }
    }

    /// <summary>Cuts the connection with a reset.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }

    private async Task<byte[]> ChunkAsync()
    {
        var size = int.Parse(await LineAsync(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var chunk = new byte[size];
        await _stream.ReadExactlyAsync(chunk, TestContext.Current.CancellationToken).AsTask().WaitAsync(s_limit, TimeProvider.System);
        Assert.Equal("", await LineAsync());
        return chunk;
    }

    private async Task<string> LineAsync()
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (true)
        {
            await _stream.ReadExactlyAsync(one, TestContext.Current.CancellationToken).AsTask().WaitAsync(s_limit, TimeProvider.System);
            if (one[0] == '\n')
            {
                Assert.Equal((byte)'\r', line[^1]);
                return Encoding.ASCII.GetString([.. line[..^1]]);
            }

            line.Add(one[0]);
        }
    }
}

/// <summary>A client that reads only when it is told to, so that what is sent to it piles up on the way.</summary>
internal interface IStreamPeer : IDisposable
{
    /// <summary>Opens a stream and reads its <c>stream.open</c>.</summary>
    Task OpenAsync(string query);

    /// <summary>The next event, comments left out; null after a clean end.</summary>
    Task<SseEvent?> NextAsync();

    /// <summary>Cuts the connection with a reset.</summary>
    void Reset();
}
