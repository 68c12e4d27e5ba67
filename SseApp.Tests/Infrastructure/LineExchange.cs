using System.IO.Pipelines;

namespace SseApp.Tests.Infrastructure;

/// <summary>A client that sends lines in one request and reads the lines of its answer meanwhile, over HTTP/1.1 or HTTP/2; it reads when it is asked to, and no sooner.</summary>
internal sealed class LineExchange : IAsyncDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private readonly Socket? _socket;
    private readonly HttpClient? _http;
    private readonly Stream _sending;
    private readonly Func<LineExchange, Task<Stream>> _answer;
    private StreamReader? _lines;

    private LineExchange(Stream sending, Func<LineExchange, Task<Stream>> answer, Socket? socket = null, HttpClient? http = null)
    {
        _sending = sending;
        _answer = answer;
        _socket = socket;
        _http = http;
    }

    public HttpStatusCode Status { get; private set; }

    public string? ContentType { get; private set; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Sends the head of <c>POST /publish</c>.</summary>
    public static async Task<LineExchange> OpenAsync(Uri address, bool http2 = false, int receiveBuffer = 0, params (string Name, string Value)[] headers)
    {
        headers = [("Content-Type", "application/x-ndjson"), ("Accept", "application/x-ndjson"), .. headers];
        return http2 ? OpenHttp2(address, headers) : await OpenHttp1Async(address, receiveBuffer, headers);
    }

    /// <summary>Sends a part of the body.</summary>
    public async Task SendAsync(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (_socket is not null)
        {
            bytes = [.. Encoding.ASCII.GetBytes($"{bytes.Length:x}\r\n"), .. bytes, .. "\r\n"u8];
        }

        await _sending.WriteAsync(bytes, Cancellation);
        await _sending.FlushAsync(Cancellation);
    }

    /// <summary>Ends the body.</summary>
    public async Task FinishAsync()
    {
        if (_socket is not null)
        {
            await _sending.WriteAsync("0\r\n\r\n"u8.ToArray(), Cancellation);
        }
        else
        {
            await _sending.DisposeAsync();
        }
    }

    /// <summary>Reads the head of the answer.</summary>
    public async Task BeginAsync() =>
        _lines ??= new StreamReader(await _answer(this).WaitAsync(s_limit, TimeProvider.System, Cancellation), Encoding.UTF8, detectEncodingFromByteOrderMarks: false, bufferSize: 1024);

    /// <summary>The next line; null at the end of the answer.</summary>
    public async Task<JsonElement?> NextAsync()
    {
        await BeginAsync();
        return await _lines!.ReadLineAsync(Cancellation).AsTask().WaitAsync(s_limit, TimeProvider.System, Cancellation) is { } line ? JsonSerializer.Deserialize<JsonElement>(line) : null;
    }

    /// <summary>The next line, which there must be.</summary>
    public async Task<JsonElement> LineAsync() => await NextAsync() ?? throw new InvalidOperationException("The answer has ended.");

    /// <summary>Everything up to the end, which must be a clean one.</summary>
    public async Task<List<JsonElement>> RestAsync()
    {
        var lines = new List<JsonElement>();
        while (await NextAsync() is { } line)
        {
            lines.Add(line);
        }

        return lines;
    }

    /// <summary>Breaks off.</summary>
    public void Reset()
    {
        _socket?.Close(0);
        _http?.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        Reset();
        await _sending.DisposeAsync();
        _lines?.Dispose();
    }

    private static async Task<LineExchange> OpenHttp1Async(Uri address, int receiveBuffer, (string Name, string Value)[] headers)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer > 0)
        {
            socket.ReceiveBufferSize = receiveBuffer;
        }

        await socket.ConnectAsync(address.Host, address.Port, Cancellation);
        var stream = new NetworkStream(socket, ownsSocket: false);
        var head = string.Concat(headers.Select(header => $"{header.Name}: {header.Value}\r\n"));
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /publish HTTP/1.1\r\nHost: {address.Authority}\r\nTransfer-Encoding: chunked\r\n{head}\r\n"), Cancellation);
        return new LineExchange(stream, exchange => exchange.ReadHeadAsync(new BufferedStream(stream, 1024)), socket);
    }

    private static LineExchange OpenHttp2(Uri address, (string Name, string Value)[] headers)
    {
        var http = new HttpClient { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 64 * 1024, resumeWriterThreshold: 32 * 1024));
        var request = new HttpRequestMessage(HttpMethod.Post, "/publish") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new OpenContent(pipe.Reader.AsStream()) };
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                request.Content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        var sending = http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        return new LineExchange(
            pipe.Writer.AsStream(),
            async exchange =>
            {
                var answer = await sending;
                (exchange.Status, exchange.ContentType) = (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType);
                return await answer.Content.ReadAsStreamAsync(Cancellation);
            },
            http: http);
    }

    private async Task<Stream> ReadHeadAsync(Stream received)
    {
        var head = await RawLines.ReadHeadAsync(received, Cancellation);
        Status = (HttpStatusCode)int.Parse(head[0].Split(' ')[1], CultureInfo.InvariantCulture);
        ContentType = head.FirstOrDefault(line => line.StartsWith("Content-Type: ", StringComparison.OrdinalIgnoreCase))?[14..];
        return head.Contains("Transfer-Encoding: chunked", StringComparer.OrdinalIgnoreCase) ? new ChunkedStream(received) : received;
    }

    /// <summary>A body that is sent as it is written. Of the platform's contents, those of a stream wait for the whole body before they let an answer through.</summary>
    private sealed class OpenContent(Stream body) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.FlushAsync();
            var buffer = new byte[16 * 1024];
            while (await body.ReadAsync(buffer) is > 0 and var count)
            {
                await stream.WriteAsync(buffer.AsMemory(0, count));
                await stream.FlushAsync();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    private static class RawLines
    {
        public static async Task<List<string>> ReadHeadAsync(Stream stream, CancellationToken cancellation)
        {
            var head = new List<string>();
            do
            {
                head.Add(await ReadAsync(stream, cancellation));
            }
            while (head[^1].Length > 0);

            return head;
        }

        public static async Task<string> ReadAsync(Stream stream, CancellationToken cancellation)
        {
            var text = new StringBuilder();
            var one = new byte[1];
            while (!(text.Length > 0 && text[^1] == '\n'))
            {
                if (await stream.ReadAsync(one, cancellation) == 0)
                {
                    throw new IOException($"The answer broke off after: {text}");
                }

                text.Append((char)one[0]);
            }

            return text.ToString().TrimEnd('\r', '\n');
        }
    }

    /// <summary>The content of chunks; an end without the last one is a fault.</summary>
    private sealed class ChunkedStream(Stream inner) : Stream
    {
        private int _left;
        private bool _ended;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_ended)
            {
                return 0;
            }

            if (_left == 0)
            {
                _left = int.Parse(await RawLines.ReadAsync(inner, cancellationToken), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                if (_left == 0)
                {
                    _ended = true;
                    return 0;
                }
            }

            var count = await inner.ReadAsync(buffer[..Math.Min(buffer.Length, _left)], cancellationToken);
            if (count == 0)
            {
                throw new IOException("The answer broke off within a chunk.");
            }

            _left -= count;
            if (_left == 0)
            {
                await RawLines.ReadAsync(inner, cancellationToken);
            }

            return count;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
