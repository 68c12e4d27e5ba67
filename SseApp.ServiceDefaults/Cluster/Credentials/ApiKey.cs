using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>The text of an API key: <c>sse_&lt;id&gt;_&lt;43 characters&gt;</c>. The id is no secret; the rest is 256 random bits in base64url.</summary>
internal static class ApiKey
{
    public const string Prefix = "sse_";

    // The id has no '_', which the secret may have.
    private static readonly SearchValues<char> s_id = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789");
    private static readonly SearchValues<char> s_secret = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    private const int MaxIdLength = 32;
    private const int SecretLength = 43;
    private const int SecretBytes = 32;
    private const int IdBytes = 6;

    /// <summary>A new key; the text is to be shown once and kept nowhere.</summary>
    public static (string Id, string Text) New()
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));
        return (id, $"{Prefix}{id}_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes))}");
    }

    public static bool IsId(ReadOnlySpan<char> id) => id.Length is > 0 and <= MaxIdLength && !id.ContainsAnyExcept(s_id);

    /// <summary>Whether the text has the form of a key, so that it is one or nothing.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out string? id)
    {
        id = null;
        var split = text.Length - SecretLength - 1;
        if (split <= Prefix.Length
            || !text.StartsWith(Prefix, StringComparison.Ordinal)
            || text[split] != '_'
            || !IsId(text.AsSpan(Prefix.Length, split - Prefix.Length))
            || text.AsSpan(split + 1).ContainsAnyExcept(s_secret))
        {
            return false;
        }

        id = text[Prefix.Length..split];
        return true;
    }

    /// <summary>What is stored of a key: SHA-256 of its whole text. Its bits are random, so nothing slower is needed.</summary>
    public static byte[] Hash(string text) => SHA256.HashData(Encoding.ASCII.GetBytes(text));
}
