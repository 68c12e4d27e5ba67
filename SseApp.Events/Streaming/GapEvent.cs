using System.Buffers;
using System.Text.Json;

namespace SseApp.Events.Streaming;

/// <summary>The event <c>stream.gap</c>: tells a client which events of a topic it will not get.</summary>
internal static class GapEvent
{
    /// <summary>Encodes it as an SSE block without its id.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="reason">One of <see cref="GapReason"/>.</param>
    /// <param name="from">The first missing offset.</param>
    /// <param name="to">The last missing offset.</param>
    public static byte[] Encode(string topic, string reason, long from, long to)
    {
        var block = new ArrayBufferWriter<byte>(160);
        block.Write("event: stream.gap\ndata: "u8);
        using (var json = new Utf8JsonWriter(block))
        {
            json.WriteStartObject();
            json.WriteString("topic"u8, topic);
            json.WriteString("reason"u8, reason);
            json.WriteNumber("from"u8, from);
            json.WriteNumber("to"u8, to);
            json.WriteEndObject();
        }

        block.Write("\n\n"u8);
        return block.WrittenSpan.ToArray();
    }
}
