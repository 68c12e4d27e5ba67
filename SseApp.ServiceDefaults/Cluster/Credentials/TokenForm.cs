using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// What a token must look like before anybody asks who made it. There is one text for each token, so that nobody gets a second one
/// of a token that was taken back; and a member has the type that RFC 7515 and 7519 give it, so that nothing behind stumbles.
/// </summary>
internal sealed class TokenForm : IDisposable
{
    // The last time that a DateTime has.
    private const double MaxTime = 253_402_300_799;

    private const string NotThreeParts = "It has not the three parts of a signed JSON Web Token.";

    private static readonly SearchValues<char> s_digits = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private static readonly JsonDocumentOptions s_json = new() { AllowDuplicateProperties = false };

    private static readonly byte[][] s_headerTexts = ["alg"u8.ToArray(), "typ"u8.ToArray(), "kid"u8.ToArray(), "cty"u8.ToArray(), "x5t"u8.ToArray(), "x5t#S256"u8.ToArray()];

    private readonly JsonDocument _claims;

    // What the document reads. Rented, because a token is read at each connect, and given back empty, because it is part of a credential.
    private readonly byte[] _bytes;

    private TokenForm(JsonDocument claims, byte[] bytes) => (_claims, _bytes) = (claims, bytes);

    public void Dispose()
    {
        _claims.Dispose();
        ArrayPool<byte>.Shared.Return(_bytes, clearArray: true);
    }

    /// <summary>The part of a token that is signed: its header and its payload.</summary>
    public static ReadOnlySpan<char> SignedText(ReadOnlySpan<char> token) => token[..token.LastIndexOf('.')];

    /// <returns>Null when something is wrong with it.</returns>
    /// <param name="token">Its text.</param>
    /// <param name="lists">Names, in UTF-8, of claims that are a text or a list of texts, besides <c>aud</c>.</param>
    /// <param name="fault">What is wrong with it.</param>
    public static TokenForm? Parse(ReadOnlySpan<char> token, byte[][] lists, out string? fault)
    {
        var first = token.IndexOf('.');
        var last = token.LastIndexOf('.');
        if (first == last || token[(first + 1)..last].Contains('.'))
        {
            fault = NotThreeParts;
            return null;
        }

        var header = token[..first];
        var payload = token[(first + 1)..last];
        var signature = token[(last + 1)..];
        if (!IsCanonical(header) || !IsCanonical(payload) || !IsCanonical(signature))
        {
            fault = "A part of it is not in base64url without padding, as its issuer writes it. Send the token as you got it.";
            return null;
        }

        JsonDocument? claims = null;
        var bytes = ArrayPool<byte>.Shared.Rent(Base64Url.GetMaxDecodedLength(Math.Max(header.Length, payload.Length)));
        try
        {
            fault = FaultOfHeader(bytes.AsMemory(0, Base64Url.DecodeFromChars(header, bytes)));
            if (fault is null)
            {
                claims = JsonDocument.Parse(bytes.AsMemory(0, Base64Url.DecodeFromChars(payload, bytes)), s_json);
                fault = FaultOfClaims(claims.RootElement, lists);
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No JSON, or a text with half of a pair of surrogates.
            fault = "Its header or its payload is no JSON, or names a member twice.";
        }

        if (fault is null)
        {
            return new TokenForm(claims!, bytes);
        }

        claims?.Dispose();
        ArrayPool<byte>.Shared.Return(bytes, clearArray: true);
        return null;
    }

    /// <summary>The texts of a claim: itself, or those in its list. What is no text is no pattern, no name and no scope.</summary>
    public string[] Texts(string claim) => !_claims.RootElement.TryGetProperty(claim, out var value) ? []
        : value.ValueKind == JsonValueKind.String ? [value.GetString()!]
        : value.ValueKind == JsonValueKind.Array ? TextsIn(value)
        : [];

    /// <summary>Whether the text is the only one for its bytes: no padding, no white space, and no bits in the last digit that mean nothing.</summary>
    private static bool IsCanonical(ReadOnlySpan<char> part) => !part.ContainsAnyExcept(s_digits) && (part.Length % 4) switch
    {
        0 => true,
        2 => part[^1] is 'A' or 'Q' or 'g' or 'w',
        3 => "AEIMQUYcgkosw048".Contains(part[^1], StringComparison.Ordinal),
        _ => false,
    };

    private static string[] TextsIn(JsonElement list)
    {
        var texts = new string[list.GetArrayLength()];
        var count = 0;
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.String)
            {
                texts[count++] = item.GetString()!;
            }
        }

        return count == texts.Length ? texts : texts[..count];
    }

    private static string? FaultOfHeader(ReadOnlyMemory<byte> part)
    {
        using var json = JsonDocument.Parse(part, s_json);
        if (json.RootElement.ValueKind != JsonValueKind.Object)
        {
            return "Its header is no JSON object.";
        }

        foreach (var member in json.RootElement.EnumerateObject())
        {
            var name = NameOf(member);
            if (name.SequenceEqual("crit"u8))
            {
                // RFC 7515, 4.1.11: no extension is known here, and an empty list of them must not be.
                return "Its header has 'crit': an extension that is not known here must be heeded.";
            }

            if (IsIn(s_headerTexts, name) && !IsText(member.Value))
            {
                return $"'{member.Name}' in its header is no text.";
            }
        }

        return null;
    }

    private static string? FaultOfClaims(JsonElement claims, byte[][] lists)
    {
        if (claims.ValueKind != JsonValueKind.Object)
        {
            return "Its payload is no JSON object.";
        }

        foreach (var claim in claims.EnumerateObject())
        {
            var name = NameOf(claim);
            if (name.SequenceEqual("iss"u8))
            {
                if (!IsText(claim.Value))
                {
                    return "'iss' is no text.";
                }
            }
            else if (name.SequenceEqual("sub"u8) || name.SequenceEqual("jti"u8))
            {
                if (!IsText(claim.Value))
                {
                    return $"'{claim.Name}' is no text.";
                }

                if (!RevokedName.IsValue(claim.Value.GetString()!))
                {
                    return $"'{claim.Name}' has more than {RevokedName.MaxLength} characters, or a control character, or looks like a credential: no revocation could name it.";
                }
            }
            else if (name.SequenceEqual("exp"u8) || name.SequenceEqual("nbf"u8) || name.SequenceEqual("iat"u8))
            {
                if (!IsTime(claim.Value))
                {
                    return $"'{claim.Name}' is no time: a number of seconds since 1970.";
                }
            }
            else if ((name.SequenceEqual("aud"u8) || IsIn(lists, name)) && !IsTexts(claim.Value))
            {
                return $"'{claim.Name}' is neither a text nor a list of texts.";
            }
        }

        return null;
    }

    // Compared where it is: a text for each name would be most of the garbage of a token.
    private static ReadOnlySpan<byte> NameOf(JsonProperty member)
    {
        var written = JsonMarshal.GetRawUtf8PropertyName(member);
        return written.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(member.Name) : written;
    }

    private static bool IsIn(byte[][] names, ReadOnlySpan<byte> name)
    {
        foreach (var one in names)
        {
            if (name.SequenceEqual(one))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsText(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            return false;
        }

        var written = JsonMarshal.GetRawUtf8Value(value);
        // Reading it finds what is no text although it looks like one.
        return (Utf8.IsValid(written) && !written.Contains((byte)'\\')) || value.GetString() is not null;
    }

    private static bool IsTexts(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            return IsText(value);
        }

        foreach (var item in value.EnumerateArray())
        {
            if (!IsText(item))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsTime(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var seconds) && seconds is >= 0 and <= MaxTime;
}
