namespace SseApp.Events.Publishing;

/// <summary>The rule for idempotency keys.</summary>
internal static class IdempotencyKey
{
    public const string Rule = "An idempotency key has 1 to 200 visible ASCII characters.";

    public static bool IsValid(string key) =>
        key.Length is >= 1 and <= 200 && !key.AsSpan().ContainsAnyExceptInRange('!', '~');
}

/// <summary>The rule for event keys: what an event is about, for topics whose slow clients get only the newest of each key.</summary>
internal static class EventKey
{
    public const string Rule = "An event key has 1 to 200 visible ASCII characters.";

    public static bool IsValid(string key) => key.Length is >= 1 and <= 200 && !key.AsSpan().ContainsAnyExceptInRange('!', '~');
}
