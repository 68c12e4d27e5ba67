using System.Security.Cryptography;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.IdentityModel.Tokens;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.ServiceDefaults.Cluster.Credentials;

/// <summary>An issuer whose keys are read where it describes itself, over HTTP.</summary>
public sealed class IssuerKeysTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly Revocations _revocations = new();
    private readonly List<CredentialService> _services = [];
    private JwksServer _issuer = null!;

    public async ValueTask InitializeAsync()
    {
        _revocations.SetRead();
        _issuer = await JwksServer.StartAsync();
        _issuer.AddKey("first", "k1");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in _services)
        {
            await service.StopAsync(CancellationToken.None);
            service.Dispose();
        }

        await _issuer.DisposeAsync();
    }

    [Fact]
    public async Task A_new_key_counts_without_a_restart_and_made_up_ids_make_nobody_ask_more_often()
    {
        var service = Service();
        Assert.NotNull((await service.VerifyAsync(_issuer.Token("first"))).Principal);
        Assert.Equal(1, _issuer.Asked);

        _issuer.AddKey("second", "k2");
        _issuer.AddKey("stranger", "k9");
        var stranger = _issuer.RemoveKey("stranger");
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(AuthReason.TokenInvalid, (await service.VerifyAsync(stranger(null))).Reason);
        }

        Assert.Equal(AuthReason.TokenInvalid, (await service.VerifyAsync(_issuer.Token("second"))).Reason);
        Assert.Equal(1, _issuer.Asked);
        _time.Advance(IssuerKeys.MinInterval);
        Assert.NotNull((await service.VerifyAsync(_issuer.Token("second"))).Principal);
        Assert.Equal(2, _issuer.Asked);
    }

    [Fact]
    public async Task Known_keys_serve_for_a_day_while_the_issuer_is_away_and_without_any_the_answer_is_unavailable()
    {
        _issuer.IsAway = true;
        var service = Service();
        Assert.Equal(AuthReason.Unavailable, (await service.VerifyAsync(_issuer.Token("first"))).Reason);

        _issuer.IsAway = false;
        _time.Advance(IssuerKeys.MinInterval);
        Assert.NotNull((await service.VerifyAsync(_issuer.Token("first"))).Principal);

        _issuer.IsAway = true;
        for (var hour = 0; hour < 23; hour++)
        {
            _time.Advance(TimeSpan.FromHours(1));
            Assert.NotNull((await service.VerifyAsync(Long())).Principal);
        }

        _time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(AuthReason.Unavailable, (await service.VerifyAsync(Long())).Reason);

        string Long() => _issuer.Token("first", change: claims => claims["exp"] = _time.GetUtcNow().AddHours(1).ToUnixTimeSeconds());
    }

    [Theory]
    [InlineData("at+jwt", true, true)]
    [InlineData("application/at+jwt", true, true)]
    [InlineData("JWT", true, false)]
    [InlineData("JWT", false, true)]
    [InlineData("at+jwt", false, true)]
    public async Task Only_access_tokens_count_unless_that_is_switched_off(string type, bool required, bool counts)
    {
        var found = await Service(required).VerifyAsync(_issuer.Token("first", type));
        Assert.Equal((counts, counts ? null : AuthReason.TokenInvalid), (found.Principal is not null, found.Reason));
    }

    [Fact]
    public async Task A_shared_key_in_the_set_verifies_nothing_and_a_public_one_is_none()
    {
        var secret = new SymmetricSecurityKey("a shared key of at least 32 bytes, in public"u8.ToArray()) { KeyId = "shared" };
        _issuer.More.Add($$"""{"kty":"oct","kid":"shared","alg":"HS256","k":"{{Base64UrlEncoder.Encode(secret.Key)}}"}""");
        var service = Service();
        Assert.Equal(AuthReason.TokenInvalid, (await service.VerifyAsync(_issuer.Token(secret, SecurityAlgorithms.HmacSha256))).Reason);
        Assert.NotNull((await service.VerifyAsync(_issuer.Token("first"))).Principal);

        // Alone it is no set of keys.
        _issuer.RemoveKey("first");
        Assert.Equal(AuthReason.Unavailable, (await Service().VerifyAsync(_issuer.Token(secret, SecurityAlgorithms.HmacSha256))).Reason);
    }

    [Theory]
    [InlineData(1024, false)]
    [InlineData(2048, true)]
    public async Task A_short_rsa_key_in_the_set_verifies_nothing(int bits, bool counts)
    {
        using var rsa = RSA.Create(bits);
        // The library makes no signature with it.
        var token = Unsigned(_issuer.Token("first", claimedId: "rsa"));
        token += $".{Base64UrlEncoder.Encode(rsa.SignData(Encoding.ASCII.GetBytes(token), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
        var parameters = rsa.ExportParameters(includePrivateParameters: false);
        _issuer.More.Add($$"""{"kty":"RSA","kid":"rsa","n":"{{Base64UrlEncoder.Encode(parameters.Modulus)}}","e":"{{Base64UrlEncoder.Encode(parameters.Exponent)}}"}""");
        var found = await Service().VerifyAsync(token);
        Assert.Equal((counts, counts ? null : AuthReason.TokenInvalid), (found.Principal is not null, found.Reason));
        Assert.NotNull((await Service().VerifyAsync(_issuer.Token("first"))).Principal);

        static string Unsigned(string token) => $"{Base64UrlEncoder.Encode("""{"alg":"RS256","typ":"at+jwt","kid":"rsa"}""")}.{token.Split('.')[1]}";
    }

    [Fact]
    public async Task What_is_public_of_a_key_of_the_set_makes_no_code_that_counts()
    {
        using var rsa = RSA.Create(2048);
        var parameters = rsa.ExportParameters(includePrivateParameters: false);
        var json = $$"""{"kty":"RSA","kid":"rsa","n":"{{Base64UrlEncoder.Encode(parameters.Modulus)}}","e":"{{Base64UrlEncoder.Encode(parameters.Exponent)}}"}""";
        _issuer.More.Add(json);
        var service = Service();
        foreach (var secret in new[] { Encoding.ASCII.GetBytes(rsa.ExportSubjectPublicKeyInfoPem()), Encoding.ASCII.GetBytes(rsa.ExportRSAPublicKeyPem()), rsa.ExportSubjectPublicKeyInfo(), parameters.Modulus!, Encoding.ASCII.GetBytes(json) })
        {
            var forged = _issuer.Token(new SymmetricSecurityKey(secret) { KeyId = "rsa" }, SecurityAlgorithms.HmacSha256);
            Assert.Equal(AuthReason.TokenInvalid, (await service.VerifyAsync(forged)).Reason);
        }
    }

    [Fact]
    public async Task Issuers_with_the_same_key_id_have_their_own_keys()
    {
        await using var other = await JwksServer.StartAsync();
        other.AddKey("first", "k1");
        var service = Service(more: other);
        Assert.Equal(_issuer.Issuer, (await service.VerifyAsync(_issuer.Token("first"))).Principal?.Issuer);
        Assert.Equal(other.Issuer, (await service.VerifyAsync(other.Token("first"))).Principal?.Issuer);
        Assert.Equal(AuthReason.TokenInvalid, (await service.VerifyAsync(other.Token("first", change: claims => claims["iss"] = _issuer.Issuer))).Reason);
        Assert.Equal(AuthReason.TokenInvalid, (await service.VerifyAsync(_issuer.Token("first", change: claims => claims["iss"] = other.Issuer))).Reason);
    }

    [Theory]
    [InlineData("../../../../etc/passwd")]
    [InlineData("file:///dev/zero")]
    [InlineData("http://169.254.169.254/latest")]
    [InlineData("' OR 1=1 --")]
    [InlineData("k1\0")]
    [InlineData("")]
    public async Task A_key_id_is_looked_up_and_nothing_else(string id)
    {
        _issuer.AddKey("stranger", id);
        var forged = _issuer.Token("stranger");
        _issuer.RemoveKey("stranger");
        var service = Service();
        Assert.Equal(AuthReason.TokenInvalid, (await service.VerifyAsync(forged)).Reason);
        Assert.InRange(_issuer.Asked, 1, 1);
    }

    [Theory]
    [InlineData("k1", "k2")]
    [InlineData("k1", "k1")]
    [InlineData(null, null)]
    public async Task What_was_signed_with_a_key_that_left_the_set_counts_no_more(string? before, string? after)
    {
        _issuer.RemoveKey("first");
        _issuer.AddKey("old", before);
        var service = Service();
        await service.StartAsync(TestContext.Current.CancellationToken);
        var token = _issuer.Token("old");
        var principal = (await service.VerifyAsync(token)).Principal!;
        Assert.True(service.StillCounts(principal));
        var version = service.Version;

        _issuer.RemoveKey("old");
        _issuer.AddKey("new", after);
        await Eventually.Async(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(5));
                return !service.StillCounts(principal);
            },
            TimeSpan.FromSeconds(30),
            "the key to be gone");
        Assert.NotEqual(version, service.Version);
        // Although it was remembered a moment ago.
        Assert.Equal(AuthReason.TokenInvalid, (await service.VerifyAsync(token)).Reason);
        Assert.NotNull((await service.VerifyAsync(_issuer.Token("new"))).Principal);
    }

    [Fact]
    public async Task An_issuer_that_is_away_takes_no_key_back()
    {
        var service = Service();
        var principal = (await service.VerifyAsync(_issuer.Token("first"))).Principal!;
        _issuer.IsAway = true;
        await service.StartAsync(TestContext.Current.CancellationToken);
        for (var i = 0; i < 5; i++)
        {
            _time.Advance(IssuerKeys.MinInterval);
            Assert.Null((await service.VerifyAsync("a.b.c")).Principal);
        }

        Assert.True(service.StillCounts(principal));
    }

    [Fact]
    public async Task Two_failures_in_a_row_do_not_hold_a_rotation_up_for_a_minute_and_an_issuer_that_is_away_is_not_asked_more_often()
    {
        var service = Service();
        var principal = (await service.VerifyAsync(_issuer.Token("first"))).Principal!;
        var rotated = _time.GetUtcNow();
        _issuer.RemoveKey("first");
        _issuer.AddKey("second", "k2");
        _issuer.IsAway = true;
        while (service.StillCounts(principal))
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            // The library asks a second time after a 503.
            _issuer.IsAway = _issuer.Refused < 4;
            // Whoever has a new key makes the service ask.
            await service.VerifyAsync(_issuer.Token("second"));
            Assert.True(_time.GetUtcNow() - rotated < TimeSpan.FromMinutes(1), "A key that left the set counts after a minute.");
        }

        _issuer.IsAway = true;
        _issuer.AddKey("third", "k3");
        var minutes = 10;
        for (var i = 0; i < minutes * 60; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await service.VerifyAsync(_issuer.Token("third"));
        }

        // Twice a minute, and a few times at the beginning.
        Assert.InRange((_issuer.Refused - 4) / 2, minutes, (2 * minutes) + 4);
    }

    private CredentialService Service(bool requireType = true, JwksServer? more = null)
    {
        var options = new CredentialOptions { MaxTokenLifetime = TimeSpan.FromDays(7) };
        foreach (var issuer in more is null ? [_issuer] : new[] { _issuer, more })
        {
            options.Issuers.Add(new IssuerOptions { Issuer = issuer.Issuer, Audience = Tokens.Audience, Authority = new Uri(issuer.Issuer), RequireAccessTokenType = requireType });
        }

        var service = new CredentialService(Options.Create(options), new HostingEnvironment { EnvironmentName = "Production" }, _revocations, _time, NullLoggerFactory.Instance);
        _services.Add(service);
        return service;
    }
}
