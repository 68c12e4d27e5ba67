namespace SseApp.Events.Http;

/// <summary>Moments in a query: <c>from</c> and <c>to</c>.</summary>
internal static class TimeQuery
{
    public const string Rule = "is given once and is a time with its zone, such as 2026-11-28T09:00:00Z; a '+' in it is written %2B";

    // ISO 8601 as RFC 3339 has it, with as many digits of a second as .NET can tell apart.
    private static readonly string[] s_formats = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mmK"];

    /// <returns>False for what is there and is no time; null when it is not there.</returns>
    public static bool TryRead(IQueryCollection query, string name, out DateTimeOffset? moment)
    {
        moment = null;
        if (query[name] is not { Count: > 0 } given)
        {
            return true;
        }

        // 'K' takes a time without a zone, too.
        if (given is not [{ Length: > 0 } text] || !(text[^1] is 'Z' or 'z' || text.LastIndexOfAny(['+', '-']) > text.IndexOf('T', StringComparison.Ordinal))
            || !DateTimeOffset.TryParseExact(text, s_formats, CultureInfo.InvariantCulture, DateTimeStyles.None, out var parsed))
        {
            return false;
        }

        moment = parsed;
        return true;
    }
}
