namespace SseApp.Tests.Infrastructure;

/// <summary>A client of streams on one HTTP/2 connection, whose flow-control windows are the smallest.</summary>
internal sealed class Http2Peer : IStreamPeer
{
    private readonly HttpClient _client;
    private readonly List<Socket> _sockets;
    private readonly bool _isOwner;
    private SseReader? _reader;

    private Http2Peer(HttpClient client, List<Socket> sockets, bool isOwner)
    {
        _client = client;
        _sockets = sockets;
        _isOwner = isOwner;
    }

    /// <summary>Connections made so far.</summary>
    public int Connections => _sockets.Count;

    public static Http2Peer Create(Uri address, TestCertificate? tls)
    {
        var sockets = new List<Socket>();
        var handler = new SocketsHttpHandler
        {
            InitialHttp2StreamWindowSize = 65_535,
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(IPAddress.Loopback, address.Port, cancellationToken);
                sockets.Add(socket);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        if (tls is not null)
        {
            handler.SslOptions = tls.ClientOptions();
        }

        var client = new HttpClient(handler)
        {
            BaseAddress = tls is null ? address : new Uri($"https://events.example:{address.Port}"),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        return new Http2Peer(client, sockets, isOwner: true);
    }

    /// <summary>For another stream on the same connection.</summary>
    public Http2Peer Sibling() => new(_client, _sockets, isOwner: false);

    public async Task OpenAsync(string query)
    {
        _reader = await SseReader.OpenAsync(_client, "/events?" + query);
        Assert.Equal(HttpVersion.Version20, _reader.Response.Version);
        await _reader.OpenedAsync();
    }

    public Task<SseEvent?> NextAsync() => _reader!.NextAsync();

    /// <summary>Gives up the stream alone (RST_STREAM).</summary>
    public void Cancel() => _reader!.Response.Dispose();

    public void Reset()
    {
        _sockets[^1].LingerState = new LingerOption(true, 0);
        _sockets[^1].Close();
    }

    public void Dispose()
    {
        _reader?.Response.Dispose();
        if (_isOwner)
        {
            _client.Dispose();
        }
    }
}
