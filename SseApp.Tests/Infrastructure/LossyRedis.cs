using System.Buffers;
using System.IO.Pipelines;

namespace SseApp.Tests.Infrastructure;

/// <summary>Stands between a replica and Redis and passes everything, but for the events on the topics' channels while it is told to drop them.</summary>
internal sealed class LossyRedis : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopped = new();
    private readonly ConcurrentBag<Task> _running = [];
    private readonly int _port;
    private int _dropped;

    /// <param name="port">Of Redis.</param>
    public LossyRedis(int port)
    {
        _port = port;
        _listener.Start();
        ConnectionString = $"{_listener.LocalEndpoint},abortConnect=false,connectTimeout=2000,protocol=resp2";
        _running.Add(AcceptAsync());
    }

    public string ConnectionString { get; }

    public bool Drops { get; set; }

    public int Dropped => Volatile.Read(ref _dropped);

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        _listener.Dispose();
        await Task.WhenAll(_running);
        _stopped.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _running.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stopped.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        using (var server = new TcpClient { NoDelay = true })
        {
            client.NoDelay = true;
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _port, _stopped.Token);
                await Task.WhenAny(client.GetStream().CopyToAsync(server.GetStream(), _stopped.Token), AnswerAsync(server.GetStream(), client.GetStream()));
            }
            catch (Exception exception) when (exception is OperationCanceledException or IOException or SocketException or ObjectDisposedException)
            {
                // One of them left.
            }
        }
    }

    private async Task AnswerAsync(Stream server, Stream client)
    {
        var reader = PipeReader.Create(server);
        while (true)
        {
            var read = await reader.ReadAsync(_stopped.Token);
            var rest = read.Buffer;
            while (Length(rest) is > 0 and var length)
            {
                var answer = rest.Slice(0, length).ToArray();
                rest = rest.Slice(length);
                if (Drops && IsEvent(answer))
                {
                    Interlocked.Increment(ref _dropped);
                }
                else
                {
                    await client.WriteAsync(answer, _stopped.Token);
                }
            }

            reader.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    private static bool IsEvent(ReadOnlySpan<byte> answer) => answer.StartsWith("*3\r\n$7\r\nmessage\r\n"u8) && answer.IndexOf(":live\r\n"u8) > 0;

    /// <summary>Bytes of the first answer; 0 when it is not all there.</summary>
    private static long Length(ReadOnlySequence<byte> bytes)
    {
        var reader = new SequenceReader<byte>(bytes);
        var values = 1L;
        while (values-- > 0)
        {
            if (!reader.TryReadTo(out ReadOnlySpan<byte> line, "\r\n"u8))
            {
                return 0;
            }

            if (line[0] is (byte)'*' or (byte)'$' && int.Parse(line[1..], CultureInfo.InvariantCulture) is > 0 and var count)
            {
                if (line[0] == '*')
                {
                    values += count;
                }
                else if (reader.Remaining < count + 2)
                {
                    return 0;
                }
                else
                {
                    reader.Advance(count + 2);
                }
            }
            else if (line.SequenceEqual("$0"u8))
            {
                reader.Advance(2);
            }
        }

        return reader.Consumed;
    }
}
