namespace SseApp.Events.Log;

/// <summary>The rule for event keys: what an event is about, for topics whose slow clients get only the newest of each key.</summary>
internal static class EventKey
{
    public const string Rule = "An event key has 1 to 200 visible ASCII characters.";

    private const int MaxLength = 200;

    public static bool IsValid(string key) => key.Length is >= 1 and <= MaxLength && !key.AsSpan().ContainsAnyExceptInRange('!', '~');

    public static bool IsValid(ReadOnlySpan<byte> ascii) => ascii.Length is >= 1 and <= MaxLength && !ascii.ContainsAnyExceptInRange((byte)'!', (byte)'~');
}
