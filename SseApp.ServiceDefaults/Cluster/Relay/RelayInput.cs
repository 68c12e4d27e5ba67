namespace SseApp.ServiceDefaults.Cluster.Relay;

/// <summary>Cuts what a connection receives into frames.</summary>
internal static class RelayInput
{
    private const int InitialBuffer = 64 * 1024;
    // A frame that needed more is rare; its buffer is not kept.
    private const int KeptBuffer = 1024 * 1024;

    /// <summary>Reads until the peer ends the connection.</summary>
    /// <exception cref="RelayProtocolException">A frame is damaged, or the connection ended inside one.</exception>
    public static async Task ReadAsync(Stream stream, IRelayFrameHandler handler, CancellationToken cancellationToken)
    {
        var buffer = new byte[InitialBuffer];
        var (start, end) = (0, 0);
        while (true)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(end), cancellationToken);
            if (read == 0)
            {
                if (end > start)
                {
                    throw new RelayProtocolException($"The relay connection ended within a frame, {end - start} bytes into it.");
                }

                return;
            }

            end += read;
            start += Handle(buffer.AsSpan(start, end - start), handler, out var needed);
            if (handler.OnPause())
            {
                await Task.Yield();
            }

            (buffer, start, end) = MakeRoom(buffer, start, end, needed);
        }
    }

    /// <summary>Hands on all whole frames.</summary>
    /// <param name="bytes">What was received and not handled yet.</param>
    /// <param name="handler">Takes the frames.</param>
    /// <param name="needed">Bytes that the next frame has in all, as far as that is known.</param>
    /// <returns>Bytes handled.</returns>
    public static int Handle(ReadOnlySpan<byte> bytes, IRelayFrameHandler handler, out int needed)
    {
        var handled = 0;
        needed = RelayProtocol.HeaderLength;
        while (bytes.Length - handled >= RelayProtocol.HeaderLength)
        {
            var frame = bytes[handled..];
            var length = BinaryPrimitives.ReadUInt32LittleEndian(frame);
            var type = (RelayFrameType)frame[4];
            var limit = handler.MaxLength(type);
            if (length < 1 || length > limit)
            {
                throw new RelayProtocolException($"A relay frame of type {(int)type} has length {length}; 1 to {limit} are allowed.");
            }

            needed = (int)length + 4;
            if (frame.Length < needed)
            {
                break;
            }

            handler.OnFrame(type, frame[RelayProtocol.HeaderLength..needed]);
            handled += needed;
            needed = RelayProtocol.HeaderLength;
        }

        return handled;
    }

    private static (byte[] Buffer, int Start, int End) MakeRoom(byte[] buffer, int start, int end, int needed)
    {
        var rest = buffer.AsSpan(start, end - start);
        if (needed > buffer.Length || (rest.IsEmpty && buffer.Length > KeptBuffer))
        {
            var size = Math.Max(needed, InitialBuffer);
            var larger = new byte[size];
            rest.CopyTo(larger);
            return (larger, 0, rest.Length);
        }

        if (rest.IsEmpty || buffer.Length - start < needed || end == buffer.Length)
        {
            rest.CopyTo(buffer);
            return (buffer, 0, rest.Length);
        }

        return (buffer, start, end);
    }
}

/// <summary>Takes the frames of one connection, in order, on one thread at a time.</summary>
internal interface IRelayFrameHandler
{
    /// <summary>The longest frame of this type that is taken; that much memory is reserved for one that says that it is so long.</summary>
    int MaxLength(RelayFrameType type) => type == RelayFrameType.Data ? RelayProtocol.MaxDataLength : RelayProtocol.MaxControlLength;

    /// <exception cref="RelayProtocolException">The frame ends the connection.</exception>
    void OnFrame(RelayFrameType type, ReadOnlySpan<byte> body);

    /// <summary>Called when all that has arrived was handled.</summary>
    /// <returns>True when that was so much work that others should have the thread first.</returns>
    bool OnPause();
}
