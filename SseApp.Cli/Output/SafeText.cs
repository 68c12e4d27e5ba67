namespace SseApp.Cli.Output;

/// <summary>What others wrote, shown to a person: a terminal would do what control characters say.</summary>
internal static class SafeText
{
    /// <summary>The text with escapes such as <c>\x1b</c> for control characters, and for those that turn the direction of writing.</summary>
    public static string Of(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\0', '\x1f') && !text.Any(IsUnsafe))
        {
            return text;
        }

        var safe = new StringBuilder(text.Length + 16);
        foreach (var character in text)
        {
            _ = character switch
            {
                '\n' => safe.Append("\\n"),
                '\r' => safe.Append("\\r"),
                '\t' => safe.Append('\t'),
                _ when !IsUnsafe(character) => safe.Append(character),
                <= '\xff' => safe.Append(CultureInfo.InvariantCulture, $"\\x{(int)character:x2}"),
                _ => safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"),
            };
        }

        return safe.ToString();
    }

    // C0, DEL, C1; line and paragraph separators; marks, embeddings, overrides and isolates of direction.
    private static bool IsUnsafe(char character) =>
        char.IsControl(character) || character is '\u061c' or '\u200e' or '\u200f' or (>= '\u2028' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
