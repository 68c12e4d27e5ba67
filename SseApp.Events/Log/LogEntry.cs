using System.Buffers.Text;
using System.Diagnostics;
using System.Text;

namespace SseApp.Events.Log;

/// <summary>
/// One event as it travels through Redis and lies in the log:
/// <c>2 {epoch:x16} {offset} {previous} {publishedAt}[ {key}]\n</c> and then the SSE block, byte for byte as every
/// connection gets it. The header is text because Lua on every supported server can build it.
/// </summary>
internal sealed class LogEntry
{
    /// <summary>No entry is longer: the longest block, whose data is line ends alone, and the longest header.</summary>
    public const int MaxBytes = (7 * SseEncoder.MaxDataBytes) + 2048;

    private const int EpochDigits = 16;

    private LogEntry(
        Position position, long previous, long publishedAtMicroseconds, string? key, ReadOnlyMemory<byte> block, string? gapReason = null, long? after = null)
    {
        Position = position;
        Previous = previous;
        PublishedAtMicroseconds = publishedAtMicroseconds;
        Key = key;
        Block = block;
        GapReason = gapReason;
        After = after ?? position.Offset - 1;
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

    /// <summary>The offset that it follows: the one before its own, or for a gap the one before all that is missing.</summary>
    public long After { get; }

    /// <summary>An event that was erased: its place stays, so that offsets are without holes, and no reader gets anything.</summary>
    public bool IsTombstone => Block.IsEmpty;

    /// <summary>The span of its first delivery, if it is traced.</summary>
    public Activity? FirstDelivery { get; set; }

    /// <summary>The part of the header that the publisher makes; the script puts the position before it.</summary>
    public static string Stamp(long publishedAtMicroseconds, string? key) =>
        publishedAtMicroseconds.ToString(CultureInfo.InvariantCulture) + (key is null ? "" : " " + key);

    /// <summary>Bytes of memory that a kept entry takes.</summary>
    public int Size => Block.Length + 160;

    public static LogEntry ForGap(Position position, ReadOnlyMemory<byte> block, string reason, long after) =>
        new(position, 0, 0, null, block, reason, after);

    /// <summary>An event as the archive keeps it. The event before it is not known, which agrees with any.</summary>
    /// <returns>Null when it is nothing that anybody can have published.</returns>
    public static LogEntry? FromArchive(Position position, long publishedAtMicroseconds, string? key, ReadOnlyMemory<byte> block) =>
        (block.IsEmpty || SseEncoder.IsBlock(block.Span)) && (key is null || EventKey.IsValid(key))
            ? new LogEntry(position, 0, publishedAtMicroseconds, key, block)
            : null;

    /// <summary>
    /// True if both are the same event; false if an offset was given to two, as by a server that lost its newest events.
    /// </summary>
    public bool IsSameAs(LogEntry other) =>
        Position == other.Position
        && PublishedAtMicroseconds == other.PublishedAtMicroseconds
        && Block.Span.SequenceEqual(other.Block.Span);

    /// <summary>
    /// The one way from Redis to a client: whatever a log or a channel holds is read here, once, and is delivered as it is only if a
    /// publisher can have published it. Who can write to Redis must not be able to say what only the server says.
    /// </summary>
    /// <returns>
    /// Null when the bytes are not an entry that this version stores. Offset 0, without a block, is the word that a log was dropped, or that events in it were erased.
    /// </returns>
    public static LogEntry? Parse(ReadOnlyMemory<byte> message)
    {
        var span = message.Span;
        var headerEnd = span.IndexOf((byte)'\n');
        if (headerEnd < 0 || !span.StartsWith("2 "u8))
        {
            return null;
        }

        var header = span[2..headerEnd];
        if (header.Length < EpochDigits || !Epoch.TryParse(header[..EpochDigits], out var epoch) || epoch == default)
        {
            return null;
        }

        header = header[EpochDigits..];
        if (!TryParseNumber(ref header, Position.MaxOffset, out var offset)
            || !TryParseNumber(ref header, UnixTime.MaxMicroseconds, out var previous)
            || !TryParseNumber(ref header, UnixTime.MaxMicroseconds, out var publishedAt))
        {
            return null;
        }

        string? key = null;
        if (!header.IsEmpty)
        {
            if (header[0] != ' ' || !EventKey.IsValid(header[1..]))
            {
                return null;
            }

            key = Encoding.ASCII.GetString(header[1..]);
        }

        var block = message[(headerEnd + 1)..];
        return (block.IsEmpty || (offset != 0 && SseEncoder.IsBlock(block.Span)))
            ? new LogEntry(new Position(epoch, offset), previous, publishedAt, key, block)
            : null;
    }

    /// <summary>Takes a space and a number off the header.</summary>
    private static bool TryParseNumber(ref ReadOnlySpan<byte> header, long most, out long number)
    {
        number = 0;
        if (!header.StartsWith((byte)' ') || !Utf8Parser.TryParse(header[1..], out ulong value, out var digits) || value > (ulong)most)
        {
            return false;
        }

        number = (long)value;
        header = header[(1 + digits)..];
        return true;
    }
}
