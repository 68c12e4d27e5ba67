using System.IO.Pipelines;
using System.Runtime.InteropServices;

namespace SseApp.ServiceDefaults.Cluster.Protocol;

/// <summary>What a frame between gateway and replica has.</summary>
internal enum PublishFrameKind : byte
{
    /// <summary>No frame: reading was cancelled.</summary>
    None = 0,

    /// <summary>To the replica: bytes of the body, cut anywhere.</summary>
    Body = 1,

    /// <summary>To the replica: no more comes. Empty when the client has sent all, else why, as the last line says it.</summary>
    BodyEnd = 2,

    /// <summary>To the gateway: whole lines of results.</summary>
    Lines = 3,

    /// <summary>To the gateway: a <see cref="PublishSettled"/>.</summary>
    Settled = 4,

    /// <summary>To the gateway: the last line was sent.</summary>
    End = 5,
}

/// <summary>
/// A frame of a publish that streams, on a connection of its own: its kind (8 bits), the length of what follows (24 bits, little endian), and
/// that. By it the end of a body, and that of the results, is told from a connection that broke.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PublishFrame(PublishFrameKind Kind, ReadOnlySequence<byte> Payload)
{
    public const int HeaderLength = 4;

    /// <summary>Longest payload: more than a write of results, or a piece of a body, ever has.</summary>
    public const int MaxLength = 1024 * 1024;

    /// <summary>
    /// Bytes of lines that a gateway sends beyond what the replica has done with: what is on its way has to be finished when either of them stops.
    /// </summary>
    public const int Window = 256 * 1024;

    public static void WriteHeader(Span<byte> destination, PublishFrameKind kind, int length) =>
        BinaryPrimitives.WriteUInt32LittleEndian(destination, ((uint)length << 8) | (byte)kind);

    /// <returns>False while not all of it is there.</returns>
    /// <exception cref="IOException">It is none.</exception>
    public static bool TryRead(ReadOnlySequence<byte> bytes, out PublishFrame frame)
    {
        frame = default;
        if (bytes.Length < HeaderLength)
        {
            return false;
        }

        Span<byte> header = stackalloc byte[HeaderLength];
        bytes.Slice(0, HeaderLength).CopyTo(header);
        var value = BinaryPrimitives.ReadUInt32LittleEndian(header);
        var (kind, length) = ((PublishFrameKind)(byte)value, (int)(value >> 8));
        if (kind == PublishFrameKind.None || !Enum.IsDefined(kind) || length > MaxLength)
        {
            throw new IOException($"A frame of kind {(int)kind} and length {length} is none of a publish that streams; gateway and replicas have to be of the same release.");
        }

        if (bytes.Length < HeaderLength + length)
        {
            return false;
        }

        frame = new PublishFrame(kind, bytes.Slice(HeaderLength, length));
        return true;
    }
}

/// <summary>What a replica has done with a body, for who forwards it and charges its client.</summary>
/// <param name="Body">Up to which byte it is done with, counted from its beginning.</param>
/// <param name="Events">Events that were stored since it was told last; a line that failed counts as one.</param>
/// <param name="Stored">Bytes that these take.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PublishSettled(long Body, long Events, long Stored)
{
    public const int Length = 3 * sizeof(long);

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteInt64LittleEndian(destination, Body);
        BinaryPrimitives.WriteInt64LittleEndian(destination[sizeof(long)..], Events);
        BinaryPrimitives.WriteInt64LittleEndian(destination[(2 * sizeof(long))..], Stored);
    }

    /// <exception cref="IOException">It is none.</exception>
    public static PublishSettled Read(ReadOnlySequence<byte> payload)
    {
        if (payload.Length != Length)
        {
            throw new IOException($"What a publish has settled has {Length} bytes, not {payload.Length}.");
        }

        Span<byte> bytes = stackalloc byte[Length];
        payload.CopyTo(bytes);
        return new PublishSettled(
            BinaryPrimitives.ReadInt64LittleEndian(bytes), BinaryPrimitives.ReadInt64LittleEndian(bytes[sizeof(long)..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[(2 * sizeof(long))..]));
    }
}

/// <summary>Reads frames, one at a time.</summary>
internal sealed class PublishFrameReader(Stream stream)
{
    private const int BufferSize = 64 * 1024;

    private readonly PipeReader _pipe = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: BufferSize, minimumReadSize: BufferSize / 4, leaveOpen: true));
    private SequencePosition _next;

    /// <summary>The next frame, which is there until <see cref="Advance"/>; null at the end of the connection.</summary>
    /// <exception cref="IOException">The connection broke, within a frame or otherwise.</exception>
    public async ValueTask<PublishFrame?> ReadAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var read = await _pipe.ReadAsync(cancellationToken);
            if (read.IsCanceled)
            {
                _next = read.Buffer.Start;
                return default(PublishFrame);
            }

            if (PublishFrame.TryRead(read.Buffer, out var frame))
            {
                _next = frame.Payload.End;
                return frame;
            }

            if (read.IsCompleted)
            {
                return read.Buffer.IsEmpty ? null : throw new IOException("The connection ended within a frame.");
            }

            _pipe.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>The frame that was read last is done with.</summary>
    public void Advance() => _pipe.AdvanceTo(_next);

    /// <summary>Lets <see cref="ReadAsync"/> answer with no frame.</summary>
    public void Cancel() => _pipe.CancelPendingRead();

    public void Complete() => _pipe.Complete();
}
