namespace SseApp.Tests.Infrastructure;

/// <summary>A replica that takes relay connections and then does on each what the test says.</summary>
internal static class RelayOrigin
{
    /// <summary>Agrees to the upgrade; the head of the request was read already.</summary>
    public static async Task<NetworkStream> AcceptAsync(Socket socket, CancellationToken cancellationToken)
    {
        var stream = new NetworkStream(socket);
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {RelayProtocol.Upgrade}\r\n{RelayProtocol.MaxRequestsHeader}: 100\r\n\r\n"),
            cancellationToken);
        return stream;
    }

    /// <summary>The next frame from the gateway that is about a stream; null when it ended the connection.</summary>
    public static async Task<(RelayFrameType Type, byte[] Body)?> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var header = new byte[RelayProtocol.HeaderLength];
        while (true)
        {
            if (await stream.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, cancellationToken) < header.Length)
            {
                return null;
            }

            var body = new byte[BitConverter.ToInt32(header) - 1];
            await stream.ReadExactlyAsync(body, cancellationToken);
            if ((RelayFrameType)header[4] is not (RelayFrameType.Ping or RelayFrameType.Done))
            {
                return ((RelayFrameType)header[4], body);
            }
        }
    }

    public static async Task<RelayOpen> ReadOpenAsync(Stream stream, CancellationToken cancellationToken)
    {
        var (type, body) = await ReadAsync(stream, cancellationToken) ?? throw new EndOfStreamException("The gateway ended the connection.");
        Assert.Equal(RelayFrameType.Open, type);
        return RelayOpen.Read(body);
    }

    /// <summary>Begins an event stream with one event of which the data is given.</summary>
    public static void Begin(RelayOutput output, int id, string data)
    {
        output.Append(RelayFrameType.Head, new RelayHead(id, 200, [new("Content-Type", "text/event-stream")]), static (writer, head) => head.Write(writer));
        var buffer = new SendBuffer(64);
        var bytes = Encoding.UTF8.GetBytes($"id: 1\ndata: {data}\n\n");
        bytes.CopyTo(buffer.GetSpan(bytes.Length));
        buffer.Advance(bytes.Length);
        var frame = 0L;
        output.AppendData(id, ref frame, buffer).AsTask().GetAwaiter().GetResult();
        output.Flush();
    }
}
