using System.Buffers;
using System.Buffers.Text;

namespace SseApp.Tests.Access;

/// <summary>Looks for secrets in texts: as they are, encoded for URLs, in hexadecimal digits, in base64, and in pieces, as a text that was cut has them.</summary>
internal sealed class SecretSearch
{
    private const int Piece = 16;
    private const int Around = 80;

    private readonly Dictionary<string, string> _needles = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="name">What it is, for messages.</param>
    /// <param name="text">As it was sent or configured.</param>
    /// <param name="secret">The part of it that is secret; default all.</param>
    /// <returns>The text.</returns>
    public string Add(string name, string text, string? secret = null)
    {
        secret ??= text;
        AddNeedle(name, secret);
        AddNeedle($"{name}, for a URL", Uri.EscapeDataString(secret));
        AddBytes(name, Encoding.UTF8.GetBytes(secret));
        return text;
    }

    /// <summary>A key that is bytes.</summary>
    public void AddBytes(string name, byte[] bytes)
    {
        AddNeedle($"{name}, its bytes", Encoding.Latin1.GetString(bytes));
        AddNeedle($"{name}, in hexadecimal digits", Convert.ToHexString(bytes));

        // Within a longer text it may begin at any of three places of a base64 group, and shares its first and last digit with others.
        for (var offset = 0; offset < 3; offset++)
        {
            var first = ((offset * 8) + 5) / 6;
            var last = (offset + bytes.Length) * 8 / 6;
            byte[] placed = [.. new byte[offset], .. bytes];
            AddNeedle($"{name}, in base64", Convert.ToBase64String(placed)[first..last]);
            AddNeedle($"{name}, in base64url", Base64Url.EncodeToString(placed)[first..last]);
        }
    }

    /// <summary>A token: its signature is what nobody else can make.</summary>
    public string AddToken(string name, string token) => Add(name, token, token[(token.LastIndexOf('.') + 1)..]);

    /// <summary>Every secret that is in one of the texts, with what stands around it.</summary>
    public IReadOnlyList<string> Find(IEnumerable<(string Source, string Text)> texts)
    {
        var all = SearchValues.Create([.. _needles.Keys], StringComparison.OrdinalIgnoreCase);
        var found = new List<string>();
        foreach (var (source, text) in texts)
        {
            for (var at = 0; text.AsSpan(at).IndexOfAny(all) is var next and >= 0; at++)
            {
                at += next;
                var needle = _needles.First(needle => text.AsSpan(at).StartsWith(needle.Key, StringComparison.OrdinalIgnoreCase));
                found.Add($"{source} has {needle.Value}: {Printable(text[Math.Max(0, at - Around)..Math.Min(text.Length, at + Around)])}");
            }
        }

        return found;
    }

    private void AddNeedle(string name, string text)
    {
        Assert.True(text.Length >= 8, $"{name} is too short to be looked for.");
        _needles.TryAdd(text.Length <= Piece ? text : text[..Piece], name);
        _needles.TryAdd(text.Length <= Piece ? text : text[^Piece..], name);
    }

    private static string Printable(string text) => string.Concat(text.Select(character => char.IsControl(character) || character > '~' ? '.' : character));
}
