using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.Tokens;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>Who makes tokens, and what its tokens must be. Its key is for no other issuer's tokens.</summary>
internal sealed class TokenIssuer
{
    /// <summary>Bytes that a shared key has at least: as many as the code that it makes.</summary>
    public const int MinKeyBytes = 32;

    private static readonly TimeSpan s_clockSkew = TimeSpan.FromSeconds(30);

    private TokenIssuer(string name, string audience, IReadOnlyList<string> algorithms, SecurityKey key)
    {
        Name = name;
        Parameters = new TokenValidationParameters
        {
            ValidIssuer = name,
            ValidAudience = audience,
            ValidAlgorithms = algorithms,
            IssuerSigningKey = key,
            ValidateIssuerSigningKey = true,
            RequireAudience = true,
            RequireExpirationTime = true,
            RequireSignedTokens = true,
            ClockSkew = s_clockSkew,
        };
    }

    /// <summary>The <c>iss</c> of its tokens.</summary>
    public string Name { get; }

    internal TokenValidationParameters Parameters { get; }

    /// <summary>An issuer that shares a key with this service: HS256 and nothing else.</summary>
    /// <exception cref="ArgumentException">The key is too short.</exception>
    public static TokenIssuer WithKey(string name, string audience, string key)
    {
        var bytes = Encoding.UTF8.GetBytes(key);
        return bytes.Length >= MinKeyBytes
            ? new(name, audience, [SecurityAlgorithms.HmacSha256], new SymmetricSecurityKey(bytes))
            : throw new ArgumentException($"The key has {bytes.Length} bytes; HS256 needs at least {MinKeyBytes}. Make one with 'openssl rand -base64 32'.", nameof(key));
    }

    /// <summary>An issuer whose public key is known: RSA (of 2048 bits or more) or an elliptic curve of NIST, in PEM.</summary>
    /// <exception cref="ArgumentException">The text is no such key, or it is a private one.</exception>
    public static TokenIssuer WithPublicKey(string name, string audience, string pem)
    {
        if (pem.Contains("PRIVATE KEY", StringComparison.Ordinal))
        {
            throw new ArgumentException("This is a private key, which only the issuer may have. Write its public half: 'openssl pkey -in private.pem -pubout'.", nameof(pem));
        }

        try
        {
            using var ellipticCurve = ECDsa.Create();
            ellipticCurve.ImportFromPem(pem);
            var algorithm = ellipticCurve.KeySize switch
            {
                256 => SecurityAlgorithms.EcdsaSha256,
                384 => SecurityAlgorithms.EcdsaSha384,
                _ => SecurityAlgorithms.EcdsaSha512,
            };
            return new(name, audience, [algorithm], new ECDsaSecurityKey(ECDsa.Create(ellipticCurve.ExportParameters(includePrivateParameters: false))));
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            // Then RSA.
        }

        try
        {
            using var rsa = RSA.Create();
            rsa.ImportFromPem(pem);
            return rsa.KeySize >= 2048
                ? new(name, audience, [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSsaPssSha256], new RsaSecurityKey(rsa.ExportParameters(includePrivateParameters: false)))
                : throw new ArgumentException($"The RSA key has {rsa.KeySize} bits; it needs at least 2048.", nameof(pem));
        }
        catch (CryptographicException exception)
        {
            throw new ArgumentException($"This is no public key of RSA or of an elliptic curve in PEM: {exception.Message}", nameof(pem), exception);
        }
    }
}
