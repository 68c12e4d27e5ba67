using System.Runtime.InteropServices;

namespace SseApp.Events.Log;

/// <summary>A log's newest event. A server that lost events gives their offsets to others: the time tells them apart.</summary>
/// <param name="Position">Where it is; the default for a topic without a log.</param>
/// <param name="PublishedAtMicroseconds">See <see cref="LogEntry.PublishedAtMicroseconds"/>; 0 when it is not known.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LogEnd(Position Position, long PublishedAtMicroseconds)
{
    /// <summary>False only if both are known and differ.</summary>
    public static bool AreSame(long publishedAt, long other) => publishedAt == other || publishedAt == 0 || other == 0;

    /// <summary>Whether both may be the same event.</summary>
    public bool IsSameAs(LogEnd other) => Position == other.Position && AreSame(PublishedAtMicroseconds, other.PublishedAtMicroseconds);
}
