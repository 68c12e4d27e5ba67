using System.Net.Sockets;

namespace SseApp.ServiceDefaults.Cluster.Writers;

/// <summary>
/// Sends chunks of an HTTP/1.1 response straight through the connection's socket. Kestrel's own output stays as it was
/// after the response's head: its pipe is empty before the first send here and while the stream lasts, and since each
/// send ends with a whole chunk before <see cref="SendAsync"/> completes, Kestrel can add the last chunk at the end and
/// serve the next request.
/// </summary>
internal sealed class SocketStreamWriter : IStreamWriter
{
    private readonly HttpContext _context;
    private readonly Socket _socket;

    // Kestrel's output, as long as it has the head of the response.
    private PipeStreamWriter? _head;

    /// <param name="context">The request.</param>
    /// <param name="socket">Its connection's.</param>
    /// <param name="headWaits">The head has not been sent: the first bytes take it along.</param>
    public SocketStreamWriter(HttpContext context, Socket socket, bool headWaits = false)
    {
        _context = context;
        _socket = socket;
        _head = headWaits ? new PipeStreamWriter(context) : null;
        try
        {
            // Sends must not wait for a slow client. Kestrel uses asynchronous operations only, which this does not change.
            socket.Blocking = false;
        }
        catch (ObjectDisposedException)
        {
            // The client has reset the connection within its request; the first send says so.
        }
    }

    public ValueTask<bool> SendAsync(SendBuffer buffer)
    {
        if (_head is { } first)
        {
            _head = null;
            return first.SendAsync(buffer);
        }

        var chunk = buffer.Chunk;
        int sent;
        SocketError error;
        try
        {
            sent = _socket.Send(chunk, SocketFlags.None, out error);
        }
        catch (ObjectDisposedException)
        {
            return new ValueTask<bool>(false);
        }

        if (error is not SocketError.Success and not SocketError.WouldBlock)
        {
            return new ValueTask<bool>(false);
        }

        return sent == chunk.Length ? new ValueTask<bool>(true) : FinishAsync(chunk[sent..]);
    }

    public void Abort() => _context.Abort();

    /// <summary>The client's window is full: what is left of the chunk is copied and sent when the socket takes it.</summary>
    private ValueTask<bool> FinishAsync(ReadOnlySpan<byte> rest)
    {
        var copy = ArrayPool<byte>.Shared.Rent(rest.Length);
        rest.CopyTo(copy);
        return FinishAsync(copy, rest.Length);
    }

    private async ValueTask<bool> FinishAsync(byte[] copy, int length)
    {
        try
        {
            var rest = copy.AsMemory(0, length);
            while (!rest.IsEmpty)
            {
                rest = rest[await _socket.SendAsync(rest, SocketFlags.None)..];
            }

            return true;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The client left, or the stream was cut.
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }
}
