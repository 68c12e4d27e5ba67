using System.Security.Cryptography;
using System.Text;
using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// A pattern with <c>{sub}</c>, or another claim, in it. What is put in is a literal, and only if it cannot be anything else: with
/// a separator in it, user <c>a</c> of <c>user.a.*</c> would read what is user <c>a.b</c>'s.
/// </summary>
internal static class PatternTemplate
{
    private const string HashSuffix = ":hash";

    private static readonly SearchValues<char> s_notLiteral = SearchValues.Create(".:/*?");

    /// <summary>Whether the pattern can match a topic once all claims are in it.</summary>
    public static bool IsValid(string template) => Fill(template, static _ => "x") is not null;

    /// <param name="template">Such as <c>user.{sub}.*</c> or <c>inbox.{email:hash}</c>.</param>
    /// <param name="claim">The value of a claim; null where there is none, or more than one.</param>
    /// <returns>Null when the grant does not count.</returns>
    public static string? Fill(string template, Func<string, string?> claim)
    {
        if (!template.Contains('{', StringComparison.Ordinal))
        {
            return TopicPattern.IsValid(template) ? template : null;
        }

        var filled = new StringBuilder(template.Length);
        var rest = template.AsSpan();
        while (rest.IndexOf('{') is >= 0 and var open)
        {
            filled.Append(rest[..open]);
            rest = rest[(open + 1)..];
            var close = rest.IndexOf('}');
            if (close < 1 || Literal(rest[..close].ToString(), claim) is not { } literal)
            {
                return null;
            }

            filled.Append(literal);
            rest = rest[(close + 1)..];
            if (filled.Length > TopicName.MaxLength)
            {
                return null;
            }
        }

        // A closing brace alone is no character of topics, so the pattern is not valid with it.
        var pattern = filled.Append(rest).ToString();
        return TopicPattern.IsValid(pattern) ? pattern : null;
    }

    private static string? Literal(string name, Func<string, string?> claim)
    {
        if (name.EndsWith(HashSuffix, StringComparison.Ordinal))
        {
            return claim(name[..^HashSuffix.Length]) is { Length: > 0 } hashed ? Hash(hashed) : null;
        }

        return claim(name) is { } value && TopicName.IsValid(value) && !value.AsSpan().ContainsAny(s_notLiteral) ? value : null;
    }

    /// <summary>What <c>{claim:hash}</c> becomes: SHA-256 of the value in UTF-8, in lower hexadecimal digits.</summary>
    public static string Hash(string value) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value)));
}
