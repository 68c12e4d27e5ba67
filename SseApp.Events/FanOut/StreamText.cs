using System.Buffers.Text;
using SseApp.Events.Log;

namespace SseApp.Events.FanOut;

/// <summary>The lines of an event stream that differ by connection.</summary>
internal static class StreamText
{
    /// <summary>
    /// A comment without a blank line behind it. Several clients take every blank line for the end of an event, and would see an
    /// empty one: <c>@microsoft/fetch-event-source</c>, and after an id <c>httpx-sse</c>.
    /// </summary>
    public static SendBuffer Heartbeat { get; } = CreateHeartbeat();

    public static void Append(this SendBuffer buffer, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(buffer.GetSpan(bytes.Length));
        buffer.Advance(bytes.Length);
    }

    public static void AppendId(this SendBuffer buffer, TopicSet topics, ReadOnlySpan<Position> positions)
    {
        var span = buffer.GetSpan(PositionCodec.MaxLength(topics.Count) + 5);
        "id: "u8.CopyTo(span);
        var length = 4 + PositionCodec.Encode(topics, positions, span[4..]);
        span[length] = (byte)'\n';
        buffer.Advance(length + 1);
    }

    public static void AppendRetry(this SendBuffer buffer, int milliseconds)
    {
        buffer.Append("retry: "u8);
        Utf8Formatter.TryFormat(milliseconds, buffer.GetSpan(10), out var digits);
        buffer.Advance(digits);
        buffer.Append("\n"u8);
    }

    private static SendBuffer CreateHeartbeat()
    {
        var buffer = new SendBuffer(2);
        buffer.Append(":\n"u8);
        // Framed here, because all shards read it.
        _ = buffer.Chunk;
        return buffer;
    }
}
