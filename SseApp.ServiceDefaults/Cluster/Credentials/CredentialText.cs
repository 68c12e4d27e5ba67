using System.Text.RegularExpressions;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// What looks like a credential in a text that was meant to name one: the one rule for what is refused, and for what no log shows.
/// </summary>
internal static partial class CredentialText
{
    /// <summary>Whether an API key or a token stands in it.</summary>
    public static bool Holds(string text) =>
        // Of each token its names are looked at; most have neither.
        (text.Contains('.', StringComparison.Ordinal) || text.Contains(ApiKey.Prefix, StringComparison.Ordinal)) && KeyOrToken().IsMatch(text);

    /// <summary>
    /// The text without API keys, tokens, and what may be a ticket: in their place stands the beginning of their SHA-256, by which two
    /// lines can still be told to speak of one thing.
    /// </summary>
    public static string Hide(string text) => TicketForm().Replace(KeyOrToken().Replace(text, Hidden), Hidden);

    /// <summary>
    /// The same of a text of which nothing is known, such as a <c>User-Agent</c>: also without what stands behind the name of a scheme or of
    /// a secret.
    /// </summary>
    public static string HideAnywhere(string text) => Hide(Named().Replace(Scheme().Replace(text, "${name}***"), "${name}***"));

    private static string Hidden(Match match) => $"***sha256:{PatternTemplate.Hash(match.Value)[..12]}";

    // JSON objects in base64url begin with 'e' and 'y', or with 'w' or '3' where white space or nothing follows the brace.
    [GeneratedRegex("sse_[a-z0-9]{1,32}_[A-Za-z0-9_-]{43,}|((?<![A-Za-z0-9_-])|(?<=%[0-9A-Fa-f]{2}))e[yw3][A-Za-z0-9_-]+\\.e[yw3][A-Za-z0-9_-]{8,}(\\.[A-Za-z0-9_-]*)?", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex KeyOrToken();

    [GeneratedRegex(
        @"(?<name>(^|[^a-z0-9]|%[0-9a-f]{2})(bearer|basic|digest|negotiate|dpop)([\s+]|%20)+)[^\s,;""'()]+",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Scheme();

    [GeneratedRegex(
        @"(?<name>(token|jwt|api[-_.]?key|authorization|passw(or)?d|pwd|secret|ticket|session(-?id)?|credentials?|signature)[""']?\s*(=|:|%3d|%3a)\s*[""']?)[^\s,;&""'()]+",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Named();

    [GeneratedRegex("((?<![A-Za-z0-9_-])|(?<=%[0-9A-Fa-f]{2}))[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TicketForm();
}
