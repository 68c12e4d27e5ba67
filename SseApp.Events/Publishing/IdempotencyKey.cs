namespace SseApp.Events.Publishing;

/// <summary>The rule for idempotency keys.</summary>
internal static class IdempotencyKey
{
    public const string Rule = "An idempotency key has 1 to 200 visible ASCII characters.";

    public static bool IsValid(string key) =>
        key.Length is >= 1 and <= 200 && !key.AsSpan().ContainsAnyExceptInRange('!', '~');
}
