using System.Text;
using System.Text.Unicode;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// Text of files that people write: UTF-8, or what a byte order mark says. The platform puts U+FFFD in the place of each byte that it cannot
/// read, and so a name, a topic or a password would be another one, in silence.
/// </summary>
internal static class TextFile
{
    private const string Advice = "Save it as UTF-8 (iconv -f latin1 -t utf-8)";

    private static readonly Encoding[] s_marked =
    [
        // UTF-32 first: its mark begins as that of UTF-16 does.
        new UTF32Encoding(bigEndian: false, byteOrderMark: true, throwOnInvalidCharacters: true),
        new UTF32Encoding(bigEndian: true, byteOrderMark: true, throwOnInvalidCharacters: true),
        new UnicodeEncoding(bigEndian: false, byteOrderMark: true, throwOnInvalidBytes: true),
        new UnicodeEncoding(bigEndian: true, byteOrderMark: true, throwOnInvalidBytes: true),
    ];

    /// <exception cref="InvalidDataException">It is not text; the message says where, and not what is there.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static string Read(string path) => Decode(File.ReadAllBytes(path));

    /// <exception cref="InvalidDataException">They are not text.</exception>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        foreach (var encoding in s_marked)
        {
            if (bytes.StartsWith(encoding.Preamble))
            {
                try
                {
                    return encoding.GetString(bytes[encoding.Preamble.Length..]);
                }
                catch (DecoderFallbackException exception)
                {
                    throw new InvalidDataException($"it begins with the byte order mark of {encoding.WebName.ToUpperInvariant()}, and is not written in that. {Advice}", exception);
                }
            }
        }

        if (bytes.StartsWith(Encoding.UTF8.Preamble))
        {
            bytes = bytes[Encoding.UTF8.Preamble.Length..];
        }

        var text = new char[bytes.Length];
        var status = Utf8.ToUtf16(bytes, text, out var read, out var written, replaceInvalidSequences: false);
        // Within ASCII, UTF-16 is valid UTF-8.
        var wrong = status != OperationStatus.Done ? read : bytes.IndexOf((byte)0);
        return wrong < 0
            ? new string(text, 0, written)
            : throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture,
                $"on line {bytes[..wrong].Count((byte)'\n') + 1} there is {(status == OperationStatus.Done ? "a NUL, as in UTF-16 without a byte order mark, and it must be UTF-8" : "a byte that is not UTF-8")}. {Advice}"));
    }
}
