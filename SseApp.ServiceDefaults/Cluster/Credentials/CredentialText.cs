using System.Text.RegularExpressions;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// What looks like a credential in a text that was meant to name one: the one rule for what is refused, and for what no log shows.
/// </summary>
internal static partial class CredentialText
{
    /// <summary>Whether an API key or a token stands in it.</summary>
    public static bool Holds(string text) => KeyOrToken().IsMatch(text);

    /// <summary>
    /// The text without API keys, tokens, and what may be a ticket: in their place stands the beginning of their SHA-256, by which two
    /// lines can still be told to speak of one thing.
    /// </summary>
    public static string Hide(string text) => TicketForm().Replace(KeyOrToken().Replace(text, Hidden), Hidden);

    private static string Hidden(Match match) => $"***sha256:{PatternTemplate.Hash(match.Value)[..12]}";

    // JSON objects in base64url begin with 'e' and 'y', or with 'w' or '3' where white space or nothing follows the brace.
    [GeneratedRegex("sse_[a-z0-9]{1,32}_[A-Za-z0-9_-]{43,}|(?<![A-Za-z0-9_-])e[yw3][A-Za-z0-9_-]+\\.e[yw3][A-Za-z0-9_-]{8,}(\\.[A-Za-z0-9_-]*)?", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex KeyOrToken();

    [GeneratedRegex("(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TicketForm();
}
