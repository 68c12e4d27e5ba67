using System.Text.RegularExpressions;

namespace SseApp.Events.Http;

/// <summary>Moments in a query: <c>from</c> and <c>to</c>.</summary>
internal static partial class TimeQuery
{
    public const string Rule = "is given once and is a time of a day that there is, with its zone, as RFC 3339 has it, such as 2026-11-28T09:00:00Z; a '+' in it is written %2B";

    private const string Format = "yyyy-MM-dd'T'HH:mm:ss.fffffffK";

    // As many of the digits behind the second as .NET can tell apart.
    private const int Digits = 7;

    /// <returns>False for what is there and is no time; null when it is not there.</returns>
    public static bool TryRead(IQueryCollection query, string name, out DateTimeOffset? moment)
    {
        moment = null;
        if (query[name] is not { Count: > 0 } given)
        {
            return true;
        }

        if (given is not [{ } text] || Rfc3339().Match(text) is not { Success: true } parts)
        {
            return false;
        }

        var second = parts.Groups["second"].ValueSpan;
        // .NET has no leap second, which is the last one of a UTC day.
        var isLeap = second is "60";
        var fraction = isLeap ? "" : parts.Groups["fraction"].Value;
        var written = string.Create(
            CultureInfo.InvariantCulture,
            $"{parts.Groups["day"].ValueSpan}T{parts.Groups["minute"].ValueSpan}:{(isLeap ? "59" : second is "" ? "00" : second)}.{fraction.PadRight(Digits, '0').AsSpan(0, Digits)}{parts.Groups["zone"].ValueSpan}");
        if (!DateTimeOffset.TryParseExact(written.ToUpperInvariant(), Format, CultureInfo.InvariantCulture, DateTimeStyles.None, out var parsed)
            || (isLeap && (parsed.UtcDateTime.TimeOfDay != new TimeSpan(23, 59, 59) || parsed.UtcDateTime.Date == DateTime.MaxValue.Date || parsed.Date == DateTime.MaxValue.Date)))
        {
            return false;
        }

        moment = isLeap ? parsed.AddSeconds(1) : parsed;
        return true;
    }

    // Its seconds may be left out.
    [GeneratedRegex(@"^(?<day>[0-9]{4}-[0-9]{2}-[0-9]{2})T(?<minute>[0-9]{2}:[0-9]{2})(:(?<second>[0-9]{2})(\.(?<fraction>[0-9]+))?)?(?<zone>Z|[+-][0-9]{2}:[0-9]{2})\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Rfc3339();
}
