namespace SseApp.ServiceDefaults.Cluster.Protocol;

/// <summary>The rule for topic names. It leaves out braces, so that a name can be the hash tag of a Redis key.</summary>
internal static class TopicName
{
    public const int MaxLength = 200;

    // '$' is not in the allowed set anyhow; the rule names it because users of other brokers expect $-topics.
    public const string Rule = "A topic name has 1 to 200 characters of A-Z a-z 0-9 _ - . : / @, does not begin with '$', and has no '.' or '..' alone between two of / and :, before the first or after the last.";

    private static readonly SearchValues<char> s_allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:/@");

    /// <summary>What the topics of canaries begin with: a name that no client can use, whatever it may.</summary>
    public const string CanaryPrefix = "$canary:";

    /// <summary>For the canaries themselves, as <see cref="IsValid"/> is for clients.</summary>
    public static bool IsCanary(string? name) =>
        name is ['$', ..] and { Length: <= MaxLength } && name.StartsWith(CanaryPrefix, StringComparison.Ordinal) && IsValid(name[CanaryPrefix.Length..]);

    private static readonly SearchValues<char> s_separators = SearchValues.Create("/:");

    public static bool IsValid(string? name) =>
        name is { Length: >= 1 and <= MaxLength } && !name.AsSpan().ContainsAnyExcept(s_allowed) && !HasDotSegment(name);

    /// <summary>
    /// True for a name that is another one to whoever takes it for a path: URLs are made shorter by such parts (RFC 3986, 6.2.2.3),
    /// and a rule about <c>orders/*</c> would be met by <c>orders/../payroll</c>.
    /// </summary>
    private static bool HasDotSegment(ReadOnlySpan<char> name)
    {
        if (!name.Contains('.'))
        {
            return false;
        }

        foreach (var range in name.SplitAny(s_separators))
        {
            if (name[range] is "." or "..")
            {
                return true;
            }
        }

        return false;
    }
}
