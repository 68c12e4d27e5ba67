using System.Buffers.Text;
using System.Numerics;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Infrastructure;

/// <summary>An issuer that shares a key with the services of a test.</summary>
internal static class Tokens
{
    public const string Issuer = "https://issuer.test";
    public const string Audience = "events";
    public const string Key = "a shared key of at least 32 bytes, for tests";

    private static readonly JsonWebTokenHandler s_handler = new() { SetDefaultTimesOnTokenCreation = false };

    /// <summary>Configuration of a service that is open to nobody without a credential.</summary>
    public static (string Key, string Value)[] Settings { get; } =
    [
        ("Security:AllowAnonymous", "false"),
        ("Security:Issuers:0:Issuer", Issuer),
        ("Security:Issuers:0:Audience", Audience),
        ("Security:Issuers:0:Key", Key),
    ];

    private static readonly BigInteger s_order = BigInteger.Parse("0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>What a service with these settings knows of credentials, without a service around it.</summary>
    public static CredentialService Service(Revocations revocations, TimeProvider time)
    {
        var options = new CredentialOptions();
        options.Issuers.Add(new IssuerOptions { Issuer = Issuer, Audience = Audience, Key = Key });
        revocations.SetRead();
        return new CredentialService(Options.Create(options), new HostingEnvironment { EnvironmentName = "Production" }, revocations, time, NullLoggerFactory.Instance);
    }

    /// <summary>The other signature that every ES256 token has, (r, n−s), which anybody can make of the first.</summary>
    public static string Twin(string token)
    {
        var split = token.LastIndexOf('.') + 1;
        var signature = Base64Url.DecodeFromChars(token.AsSpan(split));
        var other = (s_order - new BigInteger(signature.AsSpan(32), isUnsigned: true, isBigEndian: true)).ToByteArray(isUnsigned: true, isBigEndian: true);
        signature.AsSpan(32).Clear();
        other.CopyTo(signature, signature.Length - other.Length);
        return token[..split] + Base64Url.EncodeToString(signature);
    }

    /// <summary>A token for <c>alice</c>, valid for an hour unless it is changed.</summary>
    public static string Make(string[]? subscribe = null, string[]? publish = null, string sub = "alice", TimeSpan? life = null, Action<Dictionary<string, object>>? change = null, string key = Key, string algorithm = SecurityAlgorithms.HmacSha256, string? type = null)
    {
        var now = TimeProvider.System.GetUtcNow();
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["iss"] = Issuer,
            ["aud"] = Audience,
            ["sub"] = sub,
            // Two tokens of one second are two.
            ["jti"] = Guid.NewGuid().ToString("N"),
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = (now + (life ?? TimeSpan.FromHours(1))).ToUnixTimeSeconds(),
            [TokenClaims.DefaultSubscribe] = subscribe ?? [],
            [TokenClaims.DefaultPublish] = publish ?? [],
        };
        change?.Invoke(claims);
        return s_handler.CreateToken(new SecurityTokenDescriptor
        {
            Claims = claims,
            TokenType = type,
            SigningCredentials = new SigningCredentials(new SymmetricSecurityKey(Encoding.UTF8.GetBytes(key)), algorithm),
        });
    }
}
