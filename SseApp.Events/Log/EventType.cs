using System.Buffers;
using System.Text.Unicode;

namespace SseApp.Events.Log;

/// <summary>The rule for event types.</summary>
internal static class EventType
{
    public const string Default = "message";

    public const string Rule =
        "An event type has 1 to 200 characters without CR, LF and NUL, and does not begin with 'stream.', which is reserved.";

    private const int MaxLength = 200;
    private const string ReservedPrefix = "stream.";

    private static readonly SearchValues<char> s_forbidden = SearchValues.Create("\r\n\0");

    public static bool IsValid(ReadOnlySpan<char> type) =>
        type.Length is >= 1 and <= MaxLength
        && !type.ContainsAny(s_forbidden)
        && !type.StartsWith(ReservedPrefix, StringComparison.Ordinal);

    /// <summary>The same rule for well-formed UTF-8.</summary>
    public static bool IsValid(ReadOnlySpan<byte> utf8)
    {
        Span<char> type = stackalloc char[MaxLength];
        return Utf8.ToUtf16(utf8, type, out _, out var length) == OperationStatus.Done && IsValid(type[..length]);
    }
}
