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
    /// <param name="position">Where the stream goes on: a client that resumes from the gap's id does not get it again.</param>
    public static LogEntry Create(string topic, string reason, long? from, long? to, Position position)
    {
        var data = JsonSerializer.SerializeToUtf8Bytes(new GapData(topic, reason, from, to), StreamingJsonContext.Default.GapData);
        return LogEntry.ForGap(position, SseEncoder.Encode("stream.gap", data), reason, (from ?? position.Offset + 1) - 1);
    }
}

/// <summary>Why events are missing; in <c>stream.gap</c> and in the metric's label <c>reason</c>.</summary>
internal static class GapReason
{
    /// <summary>The log no longer holds them.</summary>
    public const string Expired = "expired";

    /// <summary>The log they were in is gone: deleted, flushed, or lost by Redis.</summary>
    public const string Epoch = "epoch";

    /// <summary>The client's id says nothing about this topic.</summary>
    public const string UnknownPosition = "unknown-position";

    /// <summary>The client read too slowly.</summary>
    public const string Overflow = "overflow";

    public static readonly string[] All = [Expired, Epoch, UnknownPosition, Overflow];
}

/// <summary>Data of <c>stream.gap</c>; a bound that nobody can know is null.</summary>
internal sealed record GapData(string Topic, string Reason, long? From, long? To);
