using System.Text.RegularExpressions;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// User and password in a URL, wherever one stands in a text. It need not be a valid one: browsers and libraries read
/// <c>https:/u:p@host</c> and <c>\\u:p@host</c>, too, and whoever typed it wrong has typed the password all the same.
/// </summary>
internal static partial class UserInfo
{
    private const string Hidden = "***";

    /// <summary>The text with <c>***</c> in place of each.</summary>
    public static string Hide(string text) => HasAt(text) ? InUrl().Replace(text, $"${{lead}}{Hidden}@") : text;

    /// <summary>The same of a text that is one URL or one address: without a scheme, too.</summary>
    public static string HideInAddress(string text) => HasAt(text) && Hide(text) is var shown && BeforeHost().IsMatch(shown) ? Hidden : Hide(text);

    /// <summary>Whether there is an at sign, encoded or not.</summary>
    public static bool HasAt(string text) => text.Contains('@', StringComparison.Ordinal) || text.Contains('%', StringComparison.Ordinal);

    [GeneratedRegex(
        @"(?<lead>((^|[^a-z0-9])(https?|wss?|ftps?|rediss?|amqps?)|[a-z][a-z0-9+.-]*)(:|%3a)([/\\]|%(25)*(2f|5c))+|(^|[^a-z0-9])(https?|wss?|ftps?|rediss?|amqps?)(:|%3a)|([/\\]|%(25)*(2f|5c)){2,})[^\s/\\?#""'<>]*(@|%(25)*40)",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex InUrl();

    [GeneratedRegex(@"^[^\s/\\@*]+(:|%(25)*3a)[^\s/\\]*(@|%(25)*40)", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex BeforeHost();
}
