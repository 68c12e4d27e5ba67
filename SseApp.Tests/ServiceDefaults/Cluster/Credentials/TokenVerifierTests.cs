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

    public void Dispose() => _pair.Dispose();

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
        { "made in 40 s", AuthReason.TokenInvalid },
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
            "made in 40 s" => Token(claims => claims["iat"] = now.AddSeconds(40).ToUnixTimeSeconds()),
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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_token_has_one_text_and_counts_in_no_other(bool isPair)
    {
        var token = isPair ? Token(claims => claims["iss"] = OtherIssuer, Pair()) : Token(_ => { });
        Assert.NotNull((await _verifier.VerifyAsync(token)).Principal);
        var parts = token.Split('.');
        string[] others =
        [
            $"{token}=", $"{token}==", $"{token}\n", $" {token}", $"{token}.", $"{token}A", $"{parts[0]}=.{parts[1]}.{parts[2]}", $"{parts[0]}.{parts[1]}==.{parts[2]}",
            $"{parts[0]}.{parts[1]}.{parts[2].Insert(5, " ")}", $"{parts[0]}.{parts[1]}.{parts[2].Insert(5, "\t")}", $"{parts[0]}.{parts[1]}.{parts[2].Replace('-', '+').Replace('_', '/')}=",
            // A digit that differs in bits that mean nothing only.
            .. "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".Where(digit => digit != token[^1]).Select(digit => token[..^1] + digit),
        ];
        foreach (var other in others)
        {
            Assert.Equal((other, AuthReason.TokenInvalid), (other, (await _verifier.VerifyAsync(other)).Reason));
        }
    }

    [Fact]
    public async Task Another_signature_of_the_same_text_or_another_text_of_the_same_id_is_the_same_token()
    {
        var token = Token(claims => (claims["iss"], claims["sub"]) = (OtherIssuer, ""), Pair());
        var (first, second) = ((await _verifier.VerifyAsync(token)).Principal!, (await _verifier.VerifyAsync(Tokens.Twin(token))).Principal!);
        Assert.NotEqual(token, Tokens.Twin(token));
        Assert.Equal((first.Key, first.Fingerprint), (second.Key, second.Fingerprint));

        string?[] named = [await FingerprintAsync("1", "a"), await FingerprintAsync("1", "b"), await FingerprintAsync("2", "a"), await FingerprintAsync("1", "a", OtherIssuer)];
        Assert.Equal(named[0], named[1]);
        Assert.Equal(3, named.Distinct(StringComparer.Ordinal).Count());

        async Task<string?> FingerprintAsync(string id, string more, string issuer = Issuer) => (await _verifier.VerifyAsync(Token(
            claims => (claims["jti"], claims["more"], claims["iss"]) = (id, more, issuer), issuer == Issuer ? null : Pair()))).Principal!.Fingerprint;
    }

    private static readonly string[] s_headers = ["alg", "typ", "kid"];
    private static readonly string[] s_times = ["exp", "nbf", "iat"];
    private static readonly string[] s_lists = ["aud", "scope", "sse_subscribe", "sse_publish"];
    private static readonly string[] s_values = ["null", "true", "1", "-1", "1e400", "1e300", "\"1\"", "\"\\ud800\"", "{}", "{\"a\":[]}", "[]", "[null]", "[1]", "[[]]", "[{}]", "[\"a\"]"];

    [Fact]
    public Task A_member_of_another_type_is_a_refusal_and_no_exception() =>
        Gen.Select(Of([.. s_headers, .. s_times, .. s_lists, "iss", "sub", "jti"]), Of(s_values), Gen.Bool).SampleAsync(
            async (name, value, isSigned) =>
            {
                var isRight = value == "\"1\"" ? name is not "exp" and not "nbf" and not "iat"
                    : value is "1" or "-1" or "1e300" or "1e400" ? value == "1" && s_times.Contains(name)
                    : (value is "[]" or "[\"a\"]") && s_lists.Contains(name);
                var found = await _verifier.VerifyAsync(Raw(name, value, isSigned));
                Assert.True(isRight || found.Reason == AuthReason.TokenInvalid, $"{name}: {value} was {found}");
                Assert.True(isSigned || found.Principal is null);
            },
            iter: 1_000);

    private static Gen<string> Of(string[] texts) => Gen.Int[0, texts.Length - 1].Select(index => texts[index]);

    [Theory]
    [InlineData("e30.eyJpc3MiOm51bGx9.")]
    [InlineData("e30.e30.")]
    [InlineData("bnVsbA.bnVsbA.AA")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("....")]
    public async Task What_has_no_issuer_or_no_parts_is_refused(string text) => Assert.Equal(AuthReason.TokenInvalid, (await _verifier.VerifyAsync(text)).Reason);

    [Theory]
    [InlineData("""["exp"]""")]
    [InlineData("""["b64"]""")]
    [InlineData("[]")]
    [InlineData("null")]
    public async Task An_extension_that_must_be_heeded_is_not_overlooked(string extensions) =>
        Assert.Contains("'crit'", (await _verifier.VerifyAsync(Raw("crit", extensions, isSigned: true))).Detail, StringComparison.Ordinal);

    [Fact]
    public async Task A_member_that_is_there_twice_is_refused()
    {
        var token = Raw("more", "1,\"sub\":\"bob\"", isSigned: true);
        Assert.Equal(AuthReason.TokenInvalid, (await _verifier.VerifyAsync(token)).Reason);
        Assert.NotNull((await _verifier.VerifyAsync(Raw("more", "1", isSigned: true))).Principal);
    }

    // More names than are compared one by one, and objects in lists: each has a way of its own.
    [Theory]
    [InlineData("more", "{\"a\":1,\"a\":2}", false)]
    [InlineData("more", "[1,[{\"a\":1,\"\\u0061\":2}]]", false)]
    [InlineData("more", "{\"a\":{\"exp\":1}}", true)]
    [InlineData("more", "[{\"exp\":1},{\"exp\":\"\"}]", true)]
    public async Task A_member_that_is_there_twice_is_found_wherever_it_is(string name, string value, bool counts)
    {
        Assert.Equal(counts, (await _verifier.VerifyAsync(Raw(name, value, isSigned: true))).Principal is not null);
        var many = string.Join(',', Enumerable.Range(0, 100).Select(i => $"\"m{i}\":{i}"));
        Assert.Equal(counts, (await _verifier.VerifyAsync(Raw("n", $"{value},{many}", isSigned: true))).Principal is not null);
        foreach (var again in new[] { "m1", "m99", "sub", "\\u0073ub" })
        {
            Assert.Equal(AuthReason.TokenInvalid, (await _verifier.VerifyAsync(Raw("n", $"1,{many},\"{again}\":\"x\"", isSigned: true))).Reason);
        }
    }

    // The end of an object must not be taken for that of the token, nor the name behind a value for a part of it.
    [Theory]
    [InlineData("{}")]
    [InlineData("{\"a\":{\"b\":[]}}")]
    [InlineData("[]")]
    [InlineData("[{},[1]]")]
    [InlineData("\"a\"")]
    [InlineData("1")]
    [InlineData("null")]
    public async Task What_nobody_knows_does_not_hide_what_stands_behind_it(string value)
    {
        var later = TimeProvider.System.GetUtcNow().AddHours(1).ToUnixTimeSeconds();
        var found = await _verifier.VerifyAsync(Raw("aud", $"\"{Audience}\",\"more\":{value},\"nbf\":{later}", isSigned: true));
        Assert.Contains("'nbf'", found.Detail, StringComparison.Ordinal);
        var principal = (await _verifier.VerifyAsync(Raw("aud", $"\"{Audience}\",\"more\":{value},\"jti\":\"1\",\"else\":{value}", isSigned: true))).Principal;
        Assert.Equal(("1", "alice"), (principal?.TokenId, principal?.Name));
    }

    [Fact]
    public async Task A_token_is_remembered_for_a_minute_and_beside_many_others()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var verifier = new TokenVerifier([TokenIssuer.WithKey(Issuer, Audience, Key)], new(TokenClaims.DefaultSubscribe, TokenClaims.DefaultPublish, []), TimeSpan.FromDays(1), time);
        var token = Token(_ => { });
        var principal = (await verifier.VerifyAsync(token)).Principal;
        Assert.NotNull(principal);
        for (var i = 0; i < 500; i++)
        {
            Assert.Equal($"{i}", (await verifier.VerifyAsync(Token(claims => claims["sub"] = $"{i}"))).Principal?.Name);
        }

        time.Advance(TimeSpan.FromSeconds(59));
        Assert.Same(principal, (await verifier.VerifyAsync(token)).Principal);
        time.Advance(TimeSpan.FromSeconds(1));
        var again = (await verifier.VerifyAsync(token)).Principal;
        Assert.NotSame(principal, again);
        Assert.Same(again, (await verifier.VerifyAsync(token)).Principal);
    }

    [Theory]
    [InlineData(@"\u006ati", "1", false)]
    [InlineData(@"\u006ati", "\"1\"", true)]
    [InlineData(@"ex\u0070", "true", false)]
    [InlineData(@"sse_\u0073ubscribe", "[1]", false)]
    [InlineData(@"sse_\u0073ubscribe", "[\"a\"]", true)]
    [InlineData(@"mor\u0065", "1", true)]
    public async Task A_name_that_is_written_with_escapes_is_that_name(string name, string value, bool counts)
    {
        var found = await _verifier.VerifyAsync(Raw(name, value, isSigned: true));
        Assert.Equal((counts, counts ? null : AuthReason.TokenInvalid), (found.Principal is not null, found.Reason));
        Assert.Equal(counts && name.EndsWith("ti", StringComparison.Ordinal) ? "1" : null, found.Principal?.TokenId);
    }

    // A token as no library makes it.
    private static string Raw(string name, string value, bool isSigned)
    {
        var now = TimeProvider.System.GetUtcNow();
        var header = new Dictionary<string, string>(StringComparer.Ordinal) { ["alg"] = "\"HS256\"", ["typ"] = "\"JWT\"" };
        var claims = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["iss"] = $"\"{Issuer}\"",
            ["aud"] = $"\"{Audience}\"",
            ["sub"] = "\"alice\"",
            ["iat"] = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            ["exp"] = now.AddHours(1).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
        };
        (s_headers.Append("crit").Contains(name, StringComparer.Ordinal) ? header : claims)[name] = value;
        var text = $"{Coded(Json(header))}.{Coded(Json(claims))}";
        return $"{text}.{Base64Url.EncodeToString(isSigned ? HMACSHA256.HashData(Encoding.UTF8.GetBytes(Key), Encoding.ASCII.GetBytes(text)) : [1])}";

        static string Json(Dictionary<string, string> members) => $"{{{string.Join(',', members.Select(member => $"\"{member.Key}\":{member.Value}"))}}}";
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
