using System.Text;
using System.Text.RegularExpressions;

namespace SseApp.ServiceDefaults.Defaults.Telemetry;

/// <summary>
/// What of a URL may be written down: in the access log, in other logs, in traces. A token in a query can have any name, so the
/// values of all parameters are hidden but of those that this service knows and that are none.
/// </summary>
internal static partial class LoggedUrl
{
    public const string Hidden = "***";

    private const int LongestName = 32;

    private static readonly SearchValues<char> s_carriers = SearchValues.Create("=;?#&%");

    // Not 'key', the event key of a publish: to many it is an API key. Compared without regard to case.
    private static readonly HashSet<string> s_shown = new(StringComparer.OrdinalIgnoreCase)
    {
        "topic", "lastEventId", "history", "after", "limit", "event", "prefix", "permanent", "force",
    };

    /// <summary>Hides the values in a query that has its question mark, or is empty; what is shown stays as the client sent it.</summary>
    /// <param name="query">The query.</param>
    /// <param name="shown">Further parameters to show.</param>
    /// <param name="hidden">Parameters to hide all the same.</param>
    public static string Query(string query, ICollection<string>? shown = null, ICollection<string>? hidden = null)
    {
        if (query.Length <= 1)
        {
            return query;
        }

        var logged = new StringBuilder(query.Length);
        foreach (var range in query.AsSpan(1).Split('&'))
        {
            logged.Append(logged.Length == 0 ? '?' : '&');
            AppendParameter(logged, query.AsSpan(1)[range], shown, hidden);
        }

        return logged.ToString();
    }

    /// <summary>The same of a whole URL, without user and fragment.</summary>
    public static string Url(string url)
    {
        url = url.Split('#')[0];
        var query = url.IndexOf('?', StringComparison.Ordinal);
        var path = query < 0 ? url : url[..query];
        var scheme = path.IndexOf("://", StringComparison.Ordinal);
        var host = scheme >= 0 ? scheme + 3 : path.StartsWith("//", StringComparison.Ordinal) ? 2 : -1;
        if (host >= 0 && path.IndexOf('/', host) is var slash && path.AsSpan(0, slash < 0 ? path.Length : slash).LastIndexOf('@') is var user && user >= host)
        {
            path = $"{path[..host]}{Hidden}{path[user..]}";
        }

        return Path(path) + (query < 0 ? "" : Query(url[query..]));
    }

    /// <summary>A path without what follows a separator of parameters, encoded or not: no topic has one in its name.</summary>
    public static string Path(string path) => Parameters().Match(path) is { Success: true } parameters
        ? $"{path[..parameters.Index]}{parameters.Value}{Hidden}"
        : path;

    /// <summary>A <c>Referer</c>, whose query belongs to another site: nothing of it is known.</summary>
    public static string Referer(string url)
    {
        var shown = Url(url);
        return shown.IndexOf('?', StringComparison.Ordinal) is var query and >= 0 ? $"{shown[..query]}?{Hidden}" : shown;
    }

    [GeneratedRegex("[?;&]|%3f|%3b|%26", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Parameters();

    private static void AppendParameter(StringBuilder logged, ReadOnlySpan<char> parameter, ICollection<string>? shown, ICollection<string>? hidden)
    {
        if (parameter.IsEmpty)
        {
            return;
        }

        var equals = parameter.IndexOf('=');
        var rawName = equals < 0 ? parameter : parameter[..equals];
        var name = Decode(rawName);
        var known = (s_shown.Contains(name) || shown?.Contains(name) == true) && hidden?.Contains(name) != true;
        if (known && (equals < 0 || IsPlain(parameter[(equals + 1)..])))
        {
            logged.Append(parameter);
        }
        else if (equals < 0 || !IsName(name))
        {
            // A bare token.
            logged.Append(Hidden);
        }
        else
        {
            logged.Append(rawName).Append('=').Append(Hidden);
        }
    }

    // Other separators than '&', or another query within the value, would carry what is hidden elsewhere.
    private static bool IsPlain(ReadOnlySpan<char> value) => Decode(value).AsSpan().IndexOfAny(s_carriers) < 0;

    private static bool IsName(string name) => name.Length is > 0 and <= LongestName && name.All(character => char.IsAsciiLetterOrDigit(character) || "-_.:[]".Contains(character, StringComparison.Ordinal));

    private static string Decode(ReadOnlySpan<char> text) => Uri.UnescapeDataString(text.ToString().Replace('+', ' '));
}
