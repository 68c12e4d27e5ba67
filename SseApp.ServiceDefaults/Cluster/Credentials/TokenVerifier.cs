using System.Collections.Frozen;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// Verifies tokens, by the platform's handler, with the parameters of the issuer that they name and no other's. A verified one is
/// remembered by its SHA-256; whether it was revoked is another question, to be asked each time.
/// </summary>
internal sealed class TokenVerifier(IEnumerable<TokenIssuer> issuers, TokenClaims claims, TimeSpan maxLifetime, TimeProvider time)
{
    /// <summary>Characters of a token.</summary>
    public const int MaxLength = 8 * 1024;

    // What only this service reads of a token, TokenForm has: to read it again makes a document of each list.
    private static readonly TryReadJwtClaim s_skip = static (ref Utf8JsonReader reader, JwtSegmentType _, string _, out object? value) =>
    {
        value = null;
        // To the last token of the value; behind it goes who calls this.
        reader.Skip();
        return true;
    };

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false, MaximumTokenSizeInBytes = MaxLength };
    private readonly FrozenDictionary<string, TokenIssuer> _issuers = issuers.ToFrozenDictionary(issuer => issuer.Name, StringComparer.Ordinal);
    private readonly VerifiedTokens _verified = new(time);

    public ValueTask<Verification> VerifyAsync(string text)
    {
        if (text.Length > MaxLength)
        {
            return ValueTask.FromResult(Invalid($"The token has {text.Length} characters; at most {MaxLength} are read."));
        }

        // Of the whole text: that the signature was looked at is true of this one and no other.
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        TextHash.Compute(text, bytes);
        var hash = Vector256.Create<byte>(bytes);
        return _verified.Find(hash) is { } known && known.ExpiresAt > time.GetUtcNow() && HasKey(known)
            ? ValueTask.FromResult(new Verification(known))
            : FindAsync(text, hash);
    }

    private async ValueTask<Verification> FindAsync(string text, Vector256<byte> hash)
    {
        Verification found;
        try
        {
            found = await ValidateAsync(text);
        }
#pragma warning disable CA1031 // Whatever a token does to the code that reads it, it is not let in, and it is no fault of this service.
        catch (Exception)
#pragma warning restore CA1031
        {
            return Invalid("It cannot be read.");
        }

        if (found.Principal is { } principal && principal.ExpiresAt > time.GetUtcNow())
        {
            _verified.Add(hash, principal);
        }

        return found;
    }

    /// <summary>Whether the key that signed the principal's token is still one of its issuer's.</summary>
    public bool HasKey(Principal principal) => _issuers.TryGetValue(principal.Issuer!, out var issuer) && issuer.Has(principal.SigningKeyId);

    private async ValueTask<Verification> ValidateAsync(string text)
    {
        using var form = TokenForm.Parse(text, claims.Lists, out var wrong);
        if (form is null)
        {
            return Invalid(wrong!);
        }

        var token = new JsonWebToken(text, s_skip);

        // Read before anything is verified, only to find whose parameters count; they look at it again.
        if (!_issuers.TryGetValue(token.Issuer, out var issuer))
        {
            return Invalid("Its issuer ('iss') is none of Security:Issuers.");
        }

        if (await issuer.ParametersAsync(token.Kid is { Length: > 0 } keyId ? keyId : null) is not { } parameters)
        {
            return Verification.Refused(AuthReason.Unavailable, "The keys of the token's issuer cannot be read, so nobody can say whether it is valid. Try again in a minute.");
        }

        var result = await _handler.ValidateTokenAsync(token, parameters);
        if (!result.IsValid)
        {
            return Refuse(result.Exception);
        }

        var now = time.GetUtcNow();
        var expires = new DateTimeOffset(token.ValidTo);
        DateTimeOffset? issued = token.IssuedAt == DateTime.MinValue ? null : new DateTimeOffset(token.IssuedAt);
        // It would outlive what is taken back by a moment: a revocation by 'sub' looks at this claim.
        if (issued > now + TokenIssuer.ClockSkew)
        {
            return Invalid($"It was issued in the future ('iat'); clocks may differ by {TokenIssuer.ClockSkew.TotalSeconds:0} s.");
        }

        if (expires - (issued is { } start && start < now ? start : now) > maxLifetime)
        {
            return Invalid($"It lives longer than Security:MaxTokenLifetime ({maxLifetime}).");
        }

        var id = token.Id is { Length: > 0 } given ? given : null;
        var fingerprint = FingerprintOf(text, issuer.Name, id);
        return claims.TryRead(form, out var grants, out var fault)
            ? new(new Principal
            {
                Kind = CredentialKind.Token,
                Name = token.Subject is { Length: > 0 } name ? name : null,
                Issuer = issuer.Name,
                TokenId = id,
                Fingerprint = fingerprint,
                SigningKeyId = IssuerKeys.IdOf(result.SecurityToken.SigningKey),
                IssuedAt = issued,
                ExpiresAt = expires,
                Grants = grants,
            })
            : Invalid(fault);
    }

    // Not of the signature: there are two for each text that an elliptic curve signs, and as many of some algorithms as an issuer
    // makes. Whoever has one would have another token, which was not taken back. And what has the same id is the same token.
    private static string FingerprintOf(string text, string issuer, string? id) => HashOf(id is null ? TokenForm.SignedText(text) : $"{issuer}\n{id}");

    private static string HashOf(ReadOnlySpan<char> text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        TextHash.Compute(text, hash);
        return Convert.ToBase64String(hash);
    }

    // In words of our own: those of the exception show the token's values.
    private static Verification Refuse(Exception? exception) => exception switch
    {
        SecurityTokenExpiredException => Verification.Refused(AuthReason.TokenExpired, "The token has expired."),
        SecurityTokenNotYetValidException => Invalid("It is not valid yet ('nbf')."),
        SecurityTokenNoExpirationException => Invalid("It has no end ('exp')."),
        SecurityTokenInvalidAudienceException => Invalid("It is for another audience ('aud')."),
        SecurityTokenInvalidAlgorithmException => Invalid("It is signed with an algorithm that its issuer's tokens must not have."),
        SecurityTokenInvalidTypeException => Invalid("Its type ('typ') is not at+jwt."),
        _ => Invalid("Its signature is not that of its issuer, or it is damaged."),
    };

    private static Verification Invalid(string what) => Verification.Refused(AuthReason.TokenInvalid, what);
}
