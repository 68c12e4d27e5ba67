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

    private const string RuleOfParts =
        "Between two of '.', ':' and '/' a claim stands alone or beside fixed characters, never beside '*', '?' or another claim: user 'a' of 'inbox.{sub}*' would read what is 'ab''s. Write 'inbox.{sub}.*', or a hash, which has one length: '{sub:hash}'.";

    /// <summary>Whether the pattern can match a topic once all claims are in it.</summary>
    public static bool IsValid(string template) => Fill(template, static _ => "x") is not null;

    /// <summary>What is wrong with one that is not valid.</summary>
    public static string RuleOf(string template) =>
        IsAmbiguous(template) ? RuleOfParts : $"{TopicPattern.Rule} '{{sub}}' stands for the claim 'sub', '{{email:hash}}' for the SHA-256 of the claim 'email'.";

    /// <param name="template">Such as <c>user.{sub}.*</c> or <c>inbox.{email:hash}</c>.</param>
    /// <param name="claim">The value of a claim; null where there is none, or more than one.</param>
    /// <returns>Null when the grant does not count.</returns>
    public static string? Fill(string template, Func<string, string?> claim)
    {
        if (!template.Contains('{', StringComparison.Ordinal))
        {
            return TopicPattern.IsValid(template) ? template : null;
        }

        if (IsAmbiguous(template))
        {
            return null;
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

    /// <summary>Whether something beside a claim varies in the same part of a name, so that one user's value could be another's and more.</summary>
    private static bool IsAmbiguous(string template)
    {
        var (claims, varies) = (0, false);
        for (var i = 0; i < template.Length; i++)
        {
            switch (template[i])
            {
                case '{' when template.IndexOf('}', i) is > 0 and var close:
                    claims += template.AsSpan(i..close).EndsWith(HashSuffix, StringComparison.Ordinal) ? 0 : 1;
                    i = close;
                    break;
                case '.' or ':' or '/':
                    (claims, varies) = (0, false);
                    break;
                case '*' or '?':
                    varies = true;
                    break;
            }

            if (claims > 1 || (claims == 1 && varies))
            {
                return true;
            }
        }

        return false;
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
    public static string Hash(ReadOnlySpan<char> value)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        TextHash.Compute(value, hash);
        return Convert.ToHexStringLower(hash);
    }
}
