using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.ServiceDefaults.Cluster.Credentials;

public sealed class TokenVerifierTests : IDisposable
{
    private const string Issuer = "https://issuer.test";
    private const string OtherIssuer = "https://other.test";
    private const string Audience = "events";
    private const string Key = "a shared key of at least 32 bytes, for tests";

    private static readonly string[] s_patterns = ["orders.*", "user.{sub}.*", "user.{email}", "not a topic"];
    private static readonly string[] s_groups = ["staff", "others"];

    private static readonly JsonWebTokenHandler s_handler = new() { SetDefaultTimesOnTokenCreation = false };

    private readonly ECDsa _pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly TokenVerifier _verifier;

    public TokenVerifierTests() => _verifier = new(
        [TokenIssuer.WithKey(Issuer, Audience, Key), TokenIssuer.WithPublicKey(OtherIssuer, Audience, _pair.ExportSubjectPublicKeyInfoPem())],
        new(TokenClaims.DefaultSubscribe, TokenClaims.DefaultPublish, [new("group", "staff", ["staff.*"], [])]),
        TimeSpan.FromDays(1),
        TimeProvider.System);

    public void Dispose()
    {
        _verifier.Dispose();
        _pair.Dispose();
    }

    [Fact]
    public async Task A_token_says_who_it_is_and_what_it_may()
    {
        var token = Token(claims =>
        {
            claims["jti"] = "j1";
            claims["sse_subscribe"] = s_patterns;
            claims["sse_publish"] = "orders.1";
            claims["group"] = s_groups;
            claims["email"] = "alice@example.com";
            claims["scope"] = "openid sse:metrics";
        });
        var principal = (await _verifier.VerifyAsync(token)).Principal;
        Assert.NotNull(principal);
        Assert.Equal(("alice", Issuer, "j1"), (principal.Name, principal.Issuer, principal.TokenId));
        Assert.Equal(["orders.*", "user.alice.*", "staff.*"], principal.Grants.Subscribe);
        Assert.Equal(["orders.1"], principal.Grants.Publish);
        Assert.Equal([Grants.MetricsScope], principal.Grants.Scopes);
        Assert.NotNull(principal.IssuedAt);
        Assert.Same(principal, (await _verifier.VerifyAsync(token)).Principal);
    }

    [Fact]
    public async Task A_token_signed_with_a_private_key_is_verified_by_the_public_one()
    {
        var principal = (await _verifier.VerifyAsync(Token(claims => claims["iss"] = OtherIssuer, Pair()))).Principal;
        Assert.Equal(OtherIssuer, principal?.Issuer);
    }

    public static TheoryData<string, string> Wrong => new()
    {
        { "expired", AuthReason.TokenExpired },
        { "not yet valid", AuthReason.TokenInvalid },
        { "no exp", AuthReason.TokenInvalid },
        { "no iss", AuthReason.TokenInvalid },
        { "no aud", AuthReason.TokenInvalid },
        { "unknown issuer", AuthReason.TokenInvalid },
        { "wrong audience", AuthReason.TokenInvalid },
        { "wrong key", AuthReason.TokenInvalid },
        { "key of another issuer", AuthReason.TokenInvalid },
        { "public key as shared key", AuthReason.TokenInvalid },
        { "other algorithm", AuthReason.TokenInvalid },
        { "none", AuthReason.TokenInvalid },
        { "changed", AuthReason.TokenInvalid },
        { "too long a life", AuthReason.TokenInvalid },
        { "made tomorrow", AuthReason.TokenInvalid },
        { "101 patterns", AuthReason.TokenInvalid },
        { "too long", AuthReason.TokenInvalid },
        { "no token", AuthReason.TokenInvalid },
        { "empty", AuthReason.TokenInvalid },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_wrong_token_is_refused_and_its_reason_told(string fault, string reason)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
        var text = fault switch
        {
            // Beyond the tolerance for clocks.
            "expired" => Token(claims => claims["exp"] = now.AddSeconds(-40).ToUnixTimeSeconds()),
            "not yet valid" => Token(claims => claims["nbf"] = now.AddMinutes(2).ToUnixTimeSeconds()),
            "no exp" => Token(claims => claims.Remove("exp")),
            "no iss" => Token(claims => claims.Remove("iss")),
            "no aud" => Token(claims => claims.Remove("aud")),
            "unknown issuer" => Token(claims => claims["iss"] = "https://nobody.test"),
            "wrong audience" => Token(claims => claims["aud"] = "others"),
            "wrong key" => Token(_ => { }, Shared("another key of at least 32 bytes, for tests")),
            "key of another issuer" => Token(_ => { }, Pair()),
            "public key as shared key" => Token(claims => claims["iss"] = OtherIssuer, Shared(_pair.ExportSubjectPublicKeyInfoPem())),
            "other algorithm" => Token(_ => { }, Shared(Key + Key, SecurityAlgorithms.HmacSha512)),
            "none" => $"{Base64Url.EncodeToString("""{"alg":"none"}"""u8)}.{Token(_ => { }).Split('.')[1]}.",
            "changed" => Changed(Token(_ => { })),
            "too long a life" => Token(claims => claims["exp"] = now.AddHours(25).ToUnixTimeSeconds()),
            "made tomorrow" => Token(claims => (claims["iat"], claims["exp"]) = (now.AddHours(20).ToUnixTimeSeconds(), now.AddHours(30).ToUnixTimeSeconds())),
            "101 patterns" => Token(claims => claims["sse_subscribe"] = Enumerable.Range(0, 101).Select(i => $"t{i}").ToArray()),
            "too long" => Token(claims => claims["padding"] = new string('x', TokenVerifier.MaxLength)),
            "no token" => "a.b.c",
            _ => "",
        };
        // Not less the second time.
        foreach (var found in new[] { await _verifier.VerifyAsync(text), await _verifier.VerifyAsync(text) })
        {
            Assert.Null(found.Principal);
            Assert.Equal(reason, found.Reason);
            Assert.False(string.IsNullOrEmpty(found.Detail));
        }
    }

    [Fact]
    public async Task Who_has_no_name_shares_no_limits_with_others_without_one()
    {
        var first = (await _verifier.VerifyAsync(Token(claims => (claims["sub"], claims["jti"]) = ("", "1")))).Principal;
        var second = (await _verifier.VerifyAsync(Token(claims => (claims["sub"], claims["jti"]) = ("", "2")))).Principal;
        Assert.NotEqual(first!.Key, second!.Key);
    }

    [Fact]
    public Task Any_text_is_a_reason_and_no_exception() =>
        Gen.Select(Gen.String[Gen.Char["{}[]\":,aeip10.-"], 0, 40], Gen.String[Gen.Char["{}[]\":,aeip10.-"], 0, 40]).SampleAsync(async (head, payload) =>
            Assert.NotNull((await _verifier.VerifyAsync($"{Coded(head)}.{Coded(payload)}.{Coded("x")}")).Reason), iter: 2_000);

    [Fact]
    public void A_key_that_is_too_weak_or_private_is_refused()
    {
        Assert.Contains("at least 32", Assert.Throws<ArgumentException>(() => TokenIssuer.WithKey(Issuer, Audience, "short")).Message, StringComparison.Ordinal);
        Assert.Contains("private key", Assert.Throws<ArgumentException>(() => TokenIssuer.WithPublicKey(Issuer, Audience, _pair.ExportPkcs8PrivateKeyPem())).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => TokenIssuer.WithPublicKey(Issuer, Audience, "no PEM"));
        using var weak = RSA.Create(1024);
        Assert.Contains("2048", Assert.Throws<ArgumentException>(() => TokenIssuer.WithPublicKey(Issuer, Audience, weak.ExportSubjectPublicKeyInfoPem())).Message, StringComparison.Ordinal);
        using var rsa = RSA.Create(2048);
        Assert.Equal(Issuer, TokenIssuer.WithPublicKey(Issuer, Audience, rsa.ExportSubjectPublicKeyInfoPem()).Name);
    }

    private static string Token(Action<Dictionary<string, object>> change, SigningCredentials? signing = null)
    {
        var now = TimeProvider.System.GetUtcNow();
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["iss"] = Issuer,
            ["aud"] = Audience,
            ["sub"] = "alice",
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = now.AddHours(1).ToUnixTimeSeconds(),
        };
        change(claims);
        return s_handler.CreateToken(JsonSerializer.Serialize(claims), signing ?? Shared(Key));
    }

    private static SigningCredentials Shared(string key, string algorithm = SecurityAlgorithms.HmacSha256) =>
        new(new SymmetricSecurityKey(Encoding.UTF8.GetBytes(key)), algorithm);

    private SigningCredentials Pair() => new(new ECDsaSecurityKey(_pair), SecurityAlgorithms.EcdsaSha256);

    private static string Changed(string token)
    {
        var parts = token.Split('.');
        var payload = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[1])).Replace("alice", "admin", StringComparison.Ordinal);
        return $"{parts[0]}.{Coded(payload)}.{parts[2]}";
    }

    private static string Coded(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
