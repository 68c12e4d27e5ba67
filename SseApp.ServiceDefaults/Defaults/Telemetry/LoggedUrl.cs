using System.Text;
using System.Text.RegularExpressions;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Defaults.Telemetry;

/// <summary>
/// What of a URL may be written down: in the access log, in other logs, in traces. A token in a query can have any name, so the
/// values of all parameters are hidden but of those that this service knows and that are none.
/// </summary>
internal static partial class LoggedUrl
{
    public const string Hidden = "***";

    private const int LongestName = 32;

    private static readonly SearchValues<char> s_carriers = SearchValues.Create("=;?#&% ");

    // Not 'key', the event key of a publish: to many it is an API key. Compared without regard to case.
    private static readonly HashSet<string> s_shown = new(StringComparer.OrdinalIgnoreCase)
    {
        "topic", "lastEventId", "history", "after", "from", "to", "epoch", "limit", "event", "prefix", "permanent", "force",
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
        return Path(query < 0 ? url : url[..query]) + (query < 0 ? "" : Query(url[query..]));
    }

    /// <summary>
    /// A path without what follows a separator of parameters, encoded or not: no topic has one in its name; and without the user of a
    /// URL in it.
    /// </summary>
    public static string Path(string path)
    {
        path = UserInfo.Hide(path);
        return Parameters().Match(path) is { Success: true } parameters ? $"{path[..parameters.Index]}{parameters.Value}{Hidden}" : path;
    }

    /// <summary>
    /// A <c>Referer</c>, whose query belongs to another site: nothing of it is known. Nor is what stands before an at sign; where that is
    /// not the user of a proper URL nor a part of its path, nobody can say what of it is a password.
    /// </summary>
    public static string Referer(string url)
    {
        var shown = Url(url);
        if (shown.IndexOf('?', StringComparison.Ordinal) is var query and >= 0)
        {
            shown = $"{shown[..query]}?{Hidden}";
        }

        return !At().IsMatch(shown) ? shown
            : ProperUrl().Match(shown) is { Success: true } proper ? $"{proper.Value}{BeforeAt().Replace(shown[proper.Length..], $"{Hidden}@")}"
            : Hidden;
    }

    [GeneratedRegex("[?;&]|%3f|%3b|%26", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Parameters();

    [GeneratedRegex("@|%(25)*40", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex At();

    [GeneratedRegex(@"^((https?:)?//(\*\*\*@)?([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]+)?)?(/|$)", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex ProperUrl();

    // "/@name" is what sites call a person.
    [GeneratedRegex(@"[^/\\@%]([^/\\]*)(@|%(25)*40)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex BeforeAt();

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

    // Other separators than '&', or another query within the value, would carry what is hidden elsewhere; and so may what has a
    // blank, as "Bearer …" has.
    private static bool IsPlain(ReadOnlySpan<char> value) => Decode(value).AsSpan().IndexOfAny(s_carriers) < 0;

    private static bool IsName(string name) => name.Length is > 0 and <= LongestName && name.All(character => char.IsAsciiLetterOrDigit(character) || "-_.:[]".Contains(character, StringComparison.Ordinal));

    private static string Decode(ReadOnlySpan<char> text) => Uri.UnescapeDataString(text.ToString().Replace('+', ' '));
}
