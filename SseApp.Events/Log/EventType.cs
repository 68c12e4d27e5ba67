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
    // A character is one or two units of UTF-16.
    private const int MaxUtf16 = 2 * MaxLength;
    private const string ReservedPrefix = "stream.";

    private static readonly SearchValues<char> s_forbidden = SearchValues.Create("\r\n\0");

    public static bool IsValid(ReadOnlySpan<char> type) =>
        type.Length is >= 1 and <= MaxUtf16
        && type.Length - CountPairs(type) <= MaxLength
        && !type.ContainsAny(s_forbidden)
        && !type.StartsWith(ReservedPrefix, StringComparison.Ordinal);

    /// <summary>The same rule for well-formed UTF-8.</summary>
    public static bool IsValid(ReadOnlySpan<byte> utf8)
    {
        Span<char> type = stackalloc char[MaxUtf16];
        return Utf8.ToUtf16(utf8, type, out _, out var length) == OperationStatus.Done && IsValid(type[..length]);
    }

    private static int CountPairs(ReadOnlySpan<char> type)
    {
        var pairs = 0;
        foreach (var unit in type)
        {
            pairs += char.IsHighSurrogate(unit) ? 1 : 0;
        }

        return pairs;
    }
}
