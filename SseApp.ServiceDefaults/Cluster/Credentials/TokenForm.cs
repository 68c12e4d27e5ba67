using System.Buffers.Text;

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

    private static readonly string[] s_headerTexts = ["alg", "typ", "kid", "cty", "x5t", "x5t#S256"];

    private readonly JsonDocument _claims;

    private TokenForm(JsonDocument claims) => _claims = claims;

    public void Dispose() => _claims.Dispose();

    /// <summary>The part of a token that is signed: its header and its payload.</summary>
    public static ReadOnlySpan<char> SignedText(ReadOnlySpan<char> token) => token[..token.LastIndexOf('.')];

    /// <returns>Null when something is wrong with it.</returns>
    /// <param name="token">Its text.</param>
    /// <param name="lists">Names of claims that are a text or a list of texts, besides <c>aud</c>.</param>
    /// <param name="fault">What is wrong with it.</param>
    public static TokenForm? Parse(ReadOnlySpan<char> token, IReadOnlyList<string> lists, out string? fault)
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
        try
        {
            fault = FaultOfHeader(header);
            if (fault is null)
            {
                claims = JsonDocument.Parse(Base64Url.DecodeFromChars(payload), s_json);
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
            return new TokenForm(claims!);
        }

        claims?.Dispose();
        return null;
    }

    /// <summary>The texts of a claim: itself, or those in its list. What is no text is no pattern, no name and no scope.</summary>
    public string[] Texts(string claim) => !_claims.RootElement.TryGetProperty(claim, out var value) ? []
        : value.ValueKind == JsonValueKind.String ? [value.GetString()!]
        : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Where(static item => item.ValueKind == JsonValueKind.String).Select(static item => item.GetString()!)]
        : [];

    /// <summary>Whether the text is the only one for its bytes: no padding, no white space, and no bits in the last digit that mean nothing.</summary>
    private static bool IsCanonical(ReadOnlySpan<char> part) => !part.ContainsAnyExcept(s_digits) && (part.Length % 4) switch
    {
        0 => true,
        2 => part[^1] is 'A' or 'Q' or 'g' or 'w',
        3 => "AEIMQUYcgkosw048".Contains(part[^1], StringComparison.Ordinal),
        _ => false,
    };

    private static string? FaultOfHeader(ReadOnlySpan<char> part)
    {
        using var json = JsonDocument.Parse(Base64Url.DecodeFromChars(part), s_json);
        if (json.RootElement.ValueKind != JsonValueKind.Object)
        {
            return "Its header is no JSON object.";
        }

        foreach (var member in json.RootElement.EnumerateObject())
        {
            // Names are compared where they are: a text for each of them would be most of the garbage of a token.
            if (member.NameEquals("crit"u8))
            {
                // RFC 7515, 4.1.11: no extension is known here, and an empty list of them must not be.
                return "Its header has 'crit': an extension that is not known here must be heeded.";
            }

            if (!IsText(member.Value) && NameIn(member, s_headerTexts) is { } name)
            {
                return $"'{name}' in its header is no text.";
            }
        }

        return null;
    }

    private static string? FaultOfClaims(JsonElement claims, IReadOnlyList<string> lists)
    {
        if (claims.ValueKind != JsonValueKind.Object)
        {
            return "Its payload is no JSON object.";
        }

        foreach (var claim in claims.EnumerateObject())
        {
            if (claim.NameEquals("iss"u8))
            {
                if (!IsText(claim.Value))
                {
                    return "'iss' is no text.";
                }
            }
            else if (claim.NameEquals("sub"u8) || claim.NameEquals("jti"u8))
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
            else if (claim.NameEquals("exp"u8) || claim.NameEquals("nbf"u8) || claim.NameEquals("iat"u8))
            {
                if (!IsTime(claim.Value))
                {
                    return $"'{claim.Name}' is no time: a number of seconds since 1970.";
                }
            }
            else if (!IsTexts(claim.Value) && (claim.NameEquals("aud"u8) ? "aud" : NameIn(claim, lists)) is { } name)
            {
                return $"'{name}' is neither a text nor a list of texts.";
            }
        }

        return null;
    }

    private static string? NameIn(JsonProperty member, IReadOnlyList<string> names)
    {
        for (var index = 0; index < names.Count; index++)
        {
            if (member.NameEquals(names[index]))
            {
                return names[index];
            }
        }

        return null;
    }

    // Reading it finds what is no text although it looks like one.
    private static bool IsText(JsonElement value) => value.ValueKind == JsonValueKind.String && value.GetString() is not null;

    private static bool IsTexts(JsonElement value) => value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().All(IsText) : IsText(value);

    private static bool IsTime(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var seconds) && seconds is >= 0 and <= MaxTime;
}
