using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.Tokens;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>Who makes tokens, and what its tokens must be. Its key is for no other issuer's tokens.</summary>
internal sealed class TokenIssuer
{
    /// <summary>Bytes that a shared key has at least: as many as the code that it makes.</summary>
    public const int MinKeyBytes = 32;

    /// <summary>Bits that an RSA key has at least.</summary>
    public const int MinRsaBits = 2048;

    /// <summary>What clocks may differ by.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    private static readonly string[] s_shared = [SecurityAlgorithms.HmacSha256];
    private static readonly string[] s_public =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSsaPssSha256,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    private readonly TokenValidationParameters _parameters;
    private readonly IssuerKeys? _keys;

    // With the keys that were there last: to copy them for each token costs more than to look whether they are still those.
    private volatile TokenValidationParameters? _current;

    private TokenIssuer(string name, string audience, IReadOnlyList<string> algorithms, SecurityKey? key, IssuerKeys? keys = null, bool onlyAccessTokens = false)
    {
        Name = name;
        _keys = keys;
        _parameters = new TokenValidationParameters
        {
            ValidIssuer = name,
            ValidAudience = audience,
            ValidAlgorithms = algorithms,
            IssuerSigningKey = key,
            ValidTypes = onlyAccessTokens ? ["at+jwt", "application/at+jwt"] : null,
            ValidateIssuerSigningKey = true,
            RequireAudience = true,
            // One slash more is another service's name.
            IgnoreTrailingSlashWhenValidatingAudience = false,
            RequireExpirationTime = true,
            RequireSignedTokens = true,
            ClockSkew = TokenIssuer.ClockSkew,
        };
    }

    /// <summary>The <c>iss</c> of its tokens.</summary>
    public string Name { get; }

    /// <summary>What its tokens must be, with the keys that it has now; null while none were ever had.</summary>
    /// <param name="keyId">The <c>kid</c> of a token, by which a key is known that is not here yet.</param>
    public async ValueTask<TokenValidationParameters?> ParametersAsync(string? keyId)
    {
        if (_keys is null)
        {
            return _parameters;
        }

        if (await _keys.FindAsync(keyId) is not { } current)
        {
            return null;
        }

        if (_current is not { } parameters || !ReferenceEquals(parameters.IssuerSigningKeys, current))
        {
            parameters = _parameters.Clone();
            parameters.IssuerSigningKeys = current;
            _current = parameters;
        }

        return parameters;
    }

    /// <summary>Whether the key that signed a token is still one of the issuer's.</summary>
    /// <param name="signingKeyId">Its <see cref="IssuerKeys.IdOf"/>.</param>
    public bool Has(string? signingKeyId) => _keys?.Has(signingKeyId) ?? true;

    /// <summary>Algorithms that a kind of key has.</summary>
    /// <param name="kind">Name of the property of <see cref="IssuerOptions"/> that has the key.</param>
    public static IReadOnlyList<string> Algorithms(string kind) => kind == nameof(IssuerOptions.Key) ? s_shared : s_public;

    /// <summary>As it is configured.</summary>
    /// <param name="options">What is allowed, each by itself.</param>
    /// <param name="keys">Finds the keys of an authority.</param>
    /// <exception cref="ArgumentException">A key is none.</exception>
    /// <exception cref="IOException">Its file cannot be read.</exception>
    public static TokenIssuer Create(IssuerOptions options, Func<Uri, IssuerKeys> keys)
    {
        if (!string.IsNullOrEmpty(options.Key))
        {
            return WithKey(options.Issuer, options.Audience, options.Key);
        }

        var some = options.Algorithms.Count > 0 ? [.. options.Algorithms] : (IReadOnlyList<string>)s_public;
        return string.IsNullOrEmpty(options.PublicKeyFile)
            ? new(options.Issuer, options.Audience, some, null, keys(options.Authority!), options.RequireAccessTokenType)
            : WithPublicKey(options.Issuer, options.Audience, File.ReadAllText(options.PublicKeyFile), some);
    }

    /// <summary>An issuer that shares a key with this service: HS256 and nothing else.</summary>
    /// <exception cref="ArgumentException">The key is too short.</exception>
    public static TokenIssuer WithKey(string name, string audience, string key) => new(name, audience, s_shared, new SymmetricSecurityKey(SharedKey(key)));

    /// <summary>The bytes of a shared key.</summary>
    /// <exception cref="ArgumentException">There are too few.</exception>
    public static byte[] SharedKey(string key)
    {
        var bytes = Encoding.UTF8.GetBytes(key);
        return bytes.Length >= MinKeyBytes
            ? bytes
            : throw new ArgumentException($"The key has {bytes.Length} bytes; HS256 needs at least {MinKeyBytes}. Make one with 'openssl rand -base64 32'.", nameof(key));
    }

    /// <summary>An issuer whose public key is known: RSA (of 2048 bits or more) or an elliptic curve of NIST, in PEM.</summary>
    /// <exception cref="ArgumentException">The text is no such key, or it is a private one, or no allowed algorithm fits it.</exception>
    public static TokenIssuer WithPublicKey(string name, string audience, string pem, IReadOnlyList<string>? allowed = null)
    {
        if (pem.Contains("PRIVATE KEY", StringComparison.Ordinal))
        {
            throw new ArgumentException("This is a private key, which only the issuer may have. Write its public half: 'openssl pkey -in private.pem -pubout'.", nameof(pem));
        }

        var (key, fitting) = Read(pem);
        string[] algorithms = [.. fitting.Where((allowed ?? s_public).Contains)];
        return algorithms.Length > 0
            ? new(name, audience, algorithms, key)
            : throw new ArgumentException($"This key signs with {string.Join(" or ", fitting)}, which the allowed algorithms do not have.", nameof(allowed));
    }

    private static (SecurityKey Key, string[] Algorithms) Read(string pem)
    {
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
            return (new ECDsaSecurityKey(ECDsa.Create(ellipticCurve.ExportParameters(includePrivateParameters: false))), [algorithm]);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            // Then RSA.
        }

        try
        {
            using var rsa = RSA.Create();
            rsa.ImportFromPem(pem);
            return rsa.KeySize >= MinRsaBits
                ? (new RsaSecurityKey(rsa.ExportParameters(includePrivateParameters: false)), [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSsaPssSha256])
                : throw new ArgumentException($"The RSA key has {rsa.KeySize} bits; it needs at least {MinRsaBits}.", nameof(pem));
        }
        catch (CryptographicException exception)
        {
            throw new ArgumentException($"This is no public key of RSA or of an elliptic curve in PEM: {exception.Message}", nameof(pem), exception);
        }
    }
}
