using SseApp.Events.Archive;

namespace SseApp.Tests.Events.Archive;

/// <summary>Events as an archiver reads them from a log.</summary>
internal static class ArchiveEntries
{
    public static LogEntry Of(ArchivedLog log, long offset, DateTimeOffset at, string? key = null, string? block = null) =>
        LogEntry.FromArchive(new Position(log.Epoch, offset), at.UnixMicroseconds(), key, Encoding.UTF8.GetBytes(block ?? $"data: {offset}\n\n"))
        ?? throw new ArgumentException("Nobody can have published that.", nameof(block));
}
