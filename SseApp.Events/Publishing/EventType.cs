using System.Buffers;

namespace SseApp.Events.Publishing;

/// <summary>The rule for event types.</summary>
internal static class EventType
{
    public const string Default = "message";

    public const string Rule =
        "An event type has 1 to 200 characters without CR, LF and NUL, and does not begin with 'stream.', which is reserved.";

    private const int MaxLength = 200;
    private const string ReservedPrefix = "stream.";

    private static readonly SearchValues<char> s_forbidden = SearchValues.Create("\r\n\0");

    public static bool IsValid(string type) =>
        type.Length is >= 1 and <= MaxLength
        && !type.AsSpan().ContainsAny(s_forbidden)
        && !type.StartsWith(ReservedPrefix, StringComparison.Ordinal);
}
