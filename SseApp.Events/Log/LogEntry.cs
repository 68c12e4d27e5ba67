using System.Buffers.Text;
using System.Text;

namespace SseApp.Events.Log;

/// <summary>
/// One event as it travels through Redis and lies in the log:
/// <c>2 {epoch:x16} {offset} {previous} {publishedAt}[ {key}]\n</c> and then the SSE block, byte for byte as every
/// connection gets it. The header is text because Lua on every supported server can build it.
/// </summary>
internal sealed class LogEntry
{
    private LogEntry(
        Position position, long previous, long publishedAtMicroseconds, string? key, ReadOnlyMemory<byte> block, string? gapReason = null)
    {
        Position = position;
        Previous = previous;
        PublishedAtMicroseconds = publishedAtMicroseconds;
        Key = key;
        Block = block;
        GapReason = gapReason;
    }

    public Position Position { get; }

    /// <summary>When the event before it was published; 0 for the first of an epoch, or if that is not known.</summary>
    public long Previous { get; }

    /// <summary>When the publisher accepted it, in Unix microseconds by the publishing replica's clock.</summary>
    public long PublishedAtMicroseconds { get; }

    /// <summary>What the event is about, for topics whose slow clients get only the newest of each key; or null.</summary>
    public string? Key { get; }

    /// <summary>Why events are missing before <see cref="Position"/>, if this is a <c>stream.gap</c>, which no log holds; else null.</summary>
    public string? GapReason { get; }

    /// <summary><c>event:</c> and <c>data:</c> lines and the closing blank line, without <c>id:</c>.</summary>
    public ReadOnlyMemory<byte> Block { get; }

    /// <summary>The part of the header that the publisher makes; the script puts the position before it.</summary>
    public static string Stamp(long publishedAtMicroseconds, string? key) =>
        publishedAtMicroseconds.ToString(CultureInfo.InvariantCulture) + (key is null ? "" : " " + key);

    /// <summary>Bytes of memory that a kept entry takes.</summary>
    public int Size => Block.Length + 160;

    public static LogEntry ForGap(Position position, ReadOnlyMemory<byte> block, string reason) => new(position, 0, 0, null, block, reason);

    /// <summary>
    /// True if both are the same event; false if an offset was given to two, as by a server that lost its newest events.
    /// </summary>
    public bool IsSameAs(LogEntry other) =>
        Position == other.Position
        && PublishedAtMicroseconds == other.PublishedAtMicroseconds
        && Block.Span.SequenceEqual(other.Block.Span);

    /// <returns>Null when the bytes are not an entry of this version.</returns>
    public static LogEntry? Parse(ReadOnlyMemory<byte> message)
    {
        var span = message.Span;
        var headerEnd = span.IndexOf((byte)'\n');
        if (headerEnd < 0 || !span.StartsWith("2 "u8))
        {
            return null;
        }

        var header = span[2..headerEnd];
        var epochEnd = header.IndexOf((byte)' ');
        if (epochEnd < 0 || !Epoch.TryParse(header[..epochEnd], out var epoch))
        {
            return null;
        }

        header = header[epochEnd..];
        if (!TryParseNumber(ref header, out var offset) || !TryParseNumber(ref header, out var previous) || !TryParseNumber(ref header, out var publishedAt))
        {
            return null;
        }

        var key = header.StartsWith((byte)' ') ? Encoding.ASCII.GetString(header[1..]) : null;
        return new LogEntry(new Position(epoch, offset), previous, publishedAt, key, message[(headerEnd + 1)..]);
    }

    /// <summary>Takes a space and a number off the header.</summary>
    private static bool TryParseNumber(ref ReadOnlySpan<byte> header, out long number)
    {
        number = 0;
        if (!header.StartsWith((byte)' ') || !Utf8Parser.TryParse(header[1..], out number, out var digits))
        {
            return false;
        }

        header = header[(1 + digits)..];
        return true;
    }
}
