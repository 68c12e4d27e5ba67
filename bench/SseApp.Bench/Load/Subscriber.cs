using System.Buffers;
using System.Net.Sockets;

namespace SseApp.Bench.Load;

/// <summary>One stream over a raw socket, so that the generator costs little beside the server it measures.</summary>
internal sealed class Subscriber(LoadOptions options, int topic, LoadStatistics statistics)
{
    private readonly ChunkedLines _lines = new();
    private bool _opened;
    private long _last;

    /// <summary>Index of the topic that this stream subscribes to.</summary>
    public int Topic => topic;

    /// <summary>Number of the newest event seen.</summary>
    public long Last => Interlocked.Read(ref _last);

    public async Task RunAsync(string topicName, CancellationToken cancellationToken)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(options.Url.Host, options.Url.Port, cancellationToken);
            await socket.SendAsync(Payload.Request(options.Url, topicName), cancellationToken);
            while (!_lines.Ended)
            {
                // An empty read waits without holding a buffer: ten thousand idle streams need none.
                await socket.ReceiveAsync(Memory<byte>.Empty, cancellationToken);
                if (!await ReadAsync(socket, cancellationToken))
                {
                    break;
                }
            }

            statistics.StreamEnded();
        }
        catch (OperationCanceledException)
        {
            // The run is over.
        }
        catch (SocketException exception)
        {
            statistics.StreamEnded(exception.Message);
        }
    }

    private async ValueTask<bool> ReadAsync(Socket socket, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            var count = await socket.ReceiveAsync(buffer, cancellationToken);
            _lines.Feed(buffer.AsSpan(0, count), OnLine);
            return count > 0 && _lines.Status is 0 or 200;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void OnLine(ReadOnlySpan<byte> line)
    {
        if (!_opened && line.StartsWith("event: stream.open"u8))
        {
            _opened = true;
            statistics.Opened();
        }
        else if (line.StartsWith(Payload.DataPrefix)
            && Payload.TryParse(line[Payload.DataPrefix.Length..], out var sequence, out var timestamp))
        {
            Interlocked.Exchange(ref _last, statistics.Received(sequence, timestamp, _last));
        }
    }
}
