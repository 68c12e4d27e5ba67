using System.Text.Unicode;
using Microsoft.AspNetCore.WebUtilities;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>Finds values in a query that are not UTF-8. The platform puts U+FFFD in the place of such bytes, or leaves them escaped: another value.</summary>
internal static class QueryText
{
    /// <param name="query">As it was sent.</param>
    /// <param name="isRead">Whether somebody reads the parameter of this name.</param>
    /// <returns>The rule that is broken, with the name of the parameter; null: none is.</returns>
    public static string? Problem(QueryString query, Func<string, bool> isRead)
    {
        if (query.Value is not { } text || !HasHigh(text))
        {
            return null;
        }

        foreach (var pair in new QueryStringEnumerable(text))
        {
            if (HasHigh(pair.EncodedValue.Span) && !IsUtf8(pair.EncodedValue.Span) && pair.DecodeName().ToString() is var name && isRead(name))
            {
                return $"The value of '{name}' is not UTF-8: bytes of a letter beyond ASCII are written as in %C3%A9.";
            }
        }

        return null;
    }

    // ASCII is UTF-8.
    private static bool HasHigh(ReadOnlySpan<char> text)
    {
        for (var at = text.IndexOf('%'); at >= 0 && at + 2 < text.Length;)
        {
            if (text[at + 1] is >= '8' and <= '9' or >= 'A' and <= 'F' or >= 'a' and <= 'f' && char.IsAsciiHexDigit(text[at + 2]))
            {
                return true;
            }

            var next = text[(at + 1)..].IndexOf('%');
            at = next < 0 ? -1 : at + 1 + next;
        }

        return false;
    }

    private static bool IsUtf8(ReadOnlySpan<char> value)
    {
        var rented = ArrayPool<byte>.Shared.Rent(value.Length);
        var length = 0;
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] == '%' && i + 2 < value.Length && char.IsAsciiHexDigit(value[i + 1]) && char.IsAsciiHexDigit(value[i + 2]))
            {
                rented[length++] = (byte)((Uri.FromHex(value[i + 1]) << 4) | Uri.FromHex(value[i + 2]));
                i += 2;
            }
            else
            {
                // A letter that is not escaped ends what is.
                rented[length++] = (byte)'a';
            }
        }

        var valid = Utf8.IsValid(rented.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(rented);
        return valid;
    }
}
