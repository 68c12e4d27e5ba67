using System.Buffers.Text;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// What a token must look like before anybody asks who made it. There is one text for each token, so that nobody gets a second one
/// of a token that was taken back; and a member has the type that RFC 7515 and 7519 give it, so that nothing behind stumbles.
/// </summary>
internal static class TokenForm
{
    // The last time that a DateTime has.
    private const double MaxTime = 253_402_300_799;

    private static readonly SearchValues<char> s_digits = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private static readonly JsonDocumentOptions s_json = new() { AllowDuplicateProperties = false };

    /// <summary>The part of a token that is signed: its header and its payload.</summary>
    public static ReadOnlySpan<char> SignedText(ReadOnlySpan<char> token) => token[..token.LastIndexOf('.')];

    /// <summary>What is wrong with it; null: nothing.</summary>
    /// <param name="token">Its text.</param>
    /// <param name="lists">Names of claims that are a text or a list of texts, besides <c>aud</c>.</param>
    public static string? FaultOf(string token, IReadOnlyList<string> lists)
    {
        if (token.Split('.') is not [var header, var payload, var signature])
        {
            return "It has not the three parts of a signed JSON Web Token.";
        }

        if (!IsCanonical(header) || !IsCanonical(payload) || !IsCanonical(signature))
        {
            return "A part of it is not in base64url without padding, as its issuer writes it. Send the token as you got it.";
        }

        try
        {
            return FaultOfHeader(header) ?? FaultOfClaims(payload, lists);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No JSON, or a text with half of a pair of surrogates.
            return "Its header or its payload is no JSON, or names a member twice.";
        }
    }

    /// <summary>Whether the text is the only one for its bytes: no padding, no white space, and no bits in the last digit that mean nothing.</summary>
    private static bool IsCanonical(ReadOnlySpan<char> part) => !part.ContainsAnyExcept(s_digits) && (part.Length % 4) switch
    {
        0 => true,
        2 => part[^1] is 'A' or 'Q' or 'g' or 'w',
        3 => "AEIMQUYcgkosw048".Contains(part[^1], StringComparison.Ordinal),
        _ => false,
    };

    private static string? FaultOfHeader(string part)
    {
        using var json = JsonDocument.Parse(Base64Url.DecodeFromChars(part), s_json);
        if (json.RootElement.ValueKind != JsonValueKind.Object)
        {
            return "Its header is no JSON object.";
        }

        foreach (var member in json.RootElement.EnumerateObject())
        {
            switch (member.Name)
            {
                case "crit":
                    // RFC 7515, 4.1.11: no extension is known here, and an empty list of them must not be.
                    return "Its header has 'crit': an extension that is not known here must be heeded.";
                case "alg" or "typ" or "kid" or "cty" or "x5t" or "x5t#S256" when !IsText(member.Value):
                    return $"'{member.Name}' in its header is no text.";
                default:
                    break;
            }
        }

        return null;
    }

    private static string? FaultOfClaims(string part, IReadOnlyList<string> lists)
    {
        using var json = JsonDocument.Parse(Base64Url.DecodeFromChars(part), s_json);
        if (json.RootElement.ValueKind != JsonValueKind.Object)
        {
            return "Its payload is no JSON object.";
        }

        foreach (var claim in json.RootElement.EnumerateObject())
        {
            switch (claim.Name)
            {
                case "iss" or "sub" or "jti" when !IsText(claim.Value):
                    return $"'{claim.Name}' is no text.";
                case "sub" or "jti" when !RevokedName.IsValue(claim.Value.GetString()!):
                    return $"'{claim.Name}' has more than {RevokedName.MaxLength} characters, or a control character, or looks like a credential: no revocation could name it.";
                case "exp" or "nbf" or "iat" when !IsTime(claim.Value):
                    return $"'{claim.Name}' is no time: a number of seconds since 1970.";
                case "aud" when !IsTexts(claim.Value):
                    return "'aud' is neither a text nor a list of texts.";
                default:
                    if (lists.Contains(claim.Name, StringComparer.Ordinal) && !IsTexts(claim.Value))
                    {
                        return $"'{claim.Name}' is neither a text nor a list of texts.";
                    }

                    break;
            }
        }

        return null;
    }

    // Reading it finds what is no text although it looks like one.
    private static bool IsText(JsonElement value) => value.ValueKind == JsonValueKind.String && value.GetString() is not null;

    private static bool IsTexts(JsonElement value) => value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().All(IsText) : IsText(value);

    private static bool IsTime(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var seconds) && seconds is >= 0 and <= MaxTime;
}
