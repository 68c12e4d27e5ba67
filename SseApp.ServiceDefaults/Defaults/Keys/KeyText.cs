using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;

namespace SseApp.ServiceDefaults.Defaults.Keys;

/// <summary>Keys of 32 random bytes, as people and tools write them.</summary>
internal static class KeyText
{
    /// <summary>Bytes of a key.</summary>
    public const int Length = 32;

    /// <summary>Characters of 32 bytes in base64, without the mark at the end.</summary>
    public const int Base64Length = 43;

    // Of 32 random bytes, 30 are different; fewer than half of them once in 10^30 keys.
    private const int LeastDifferent = 16;

    /// <summary>
    /// Whether nobody can have drawn the key: zeros, a byte or a word again and again, bytes that count up. Anybody finds such a key.
    /// </summary>
    public static bool IsGuessable(ReadOnlySpan<byte> key)
    {
        var (step, counts) = ((byte)(key[1] - key[0]), true);
        for (var i = 2; i < key.Length; i++)
        {
            counts &= (byte)(key[i] - key[i - 1]) == step;
        }

        // A word of up to that many bytes is in it, too.
        return counts || key.ToArray().Distinct().Count() < LeastDifferent;
    }

    /// <summary>
    /// Reads a key as <c>openssl rand -base64 32</c> and <c>openssl rand -hex 32</c> print it, in base64url, and as a deployment tool
    /// that knows only letters and digits makes it.
    /// </summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out byte[]? key)
    {
        key = null;
        text = text?.Trim();
        if (text is { Length: 2 * Length } && text.All(char.IsAsciiHexDigit))
        {
            key = Convert.FromHexString(text);
            return true;
        }

        if (text?.TrimEnd('=') is not { Length: Base64Length } code || !code.All(character => char.IsAsciiLetterOrDigit(character) || character is '+' or '/' or '-' or '_'))
        {
            return false;
        }

        // A generated text of 43 characters may end in bits that 32 bytes have no room for.
        Span<byte> bytes = stackalloc byte[Length + 1];
        var whole = code.Replace('+', '-').Replace('/', '_');
        if (!Base64Url.TryDecodeFromChars(whole + "A", bytes, out var written) || written != bytes.Length)
        {
            return false;
        }

        key = bytes[..Length].ToArray();
        return true;
    }
}
