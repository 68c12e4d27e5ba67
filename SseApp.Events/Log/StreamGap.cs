using System.Text.Json;

namespace SseApp.Events.Log;

/// <summary>
/// Makes <c>stream.gap</c>: in the place of the events that are missing, so that a client learns of the loss in order.
/// </summary>
internal static class StreamGap
{
    /// <param name="topic">The topic whose events are missing.</param>
    /// <param name="reason">A <see cref="GapReason"/>.</param>
    /// <param name="from">First missing offset, or null if unknown.</param>
    /// <param name="to">Last missing offset, or null if unknown.</param>
    /// <param name="position">Where the stream goes on: a client that resumes from the gap's id is not told of it again.</param>
    public static LogEntry Create(string topic, string reason, long? from, long? to, Position position)
    {
        var data = JsonSerializer.SerializeToUtf8Bytes(new GapData(topic, reason, from, to), StreamingJsonContext.Default.GapData);
        return LogEntry.ForGap(position, SseEncoder.Encode("stream.gap", data), reason);
    }
}
