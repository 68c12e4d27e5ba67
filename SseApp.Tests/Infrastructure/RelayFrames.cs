using System.Buffers;

namespace SseApp.Tests.Infrastructure;

/// <summary>Frames of a replica as bare bytes, one for each call: nothing joins or holds them.</summary>
internal static class RelayFrames
{
    public static byte[] Head(int id)
    {
        var body = new ArrayBufferWriter<byte>();
        new RelayHead(id, 200, [new("Content-Type", "text/event-stream")]).Write(body);
        return Frame(RelayFrameType.Head, body.WrittenSpan);
    }

    /// <summary>Bytes that all these streams get.</summary>
    public static byte[] Data(byte[] payload, params IEnumerable<int> ids) =>
        Frame(RelayFrameType.Data, [.. BitConverter.GetBytes(payload.Length), .. payload, .. ids.SelectMany(BitConverter.GetBytes)]);

    /// <summary>The stream ended as it should.</summary>
    public static byte[] End(int id) => Frame(RelayFrameType.End, [.. BitConverter.GetBytes(id), .. BitConverter.GetBytes(1)]);

    private static byte[] Frame(RelayFrameType type, ReadOnlySpan<byte> body) => [.. BitConverter.GetBytes(body.Length + 1), (byte)type, .. body];
}
