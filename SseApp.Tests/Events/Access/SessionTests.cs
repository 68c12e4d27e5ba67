using System.Net.Http.Headers;
using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Events.Access;

public sealed class SessionTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private static readonly (string, string)[] s_settings = [.. Tokens.Settings, ("Security:PublicTopics:0", "news.*")];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_token_is_put_into_a_cookie_that_no_script_reads_and_that_lives_as_long_as_it()
    {
        await using var host = await EventsHost.StartAsync(redis, null, s_settings);
        var token = Tokens.Make(["t"], ["t"], life: TimeSpan.FromMinutes(10));
        using var answer = await SendAsync(host, HttpMethod.Post, "/session", ("Authorization", $"Bearer {token}"));
        Assert.Equal((HttpStatusCode.NoContent, true), (answer.StatusCode, answer.Headers.CacheControl?.NoStore));
        var cookie = Assert.Single(Cookies(answer));
        var parts = cookie.Split("; ");
        Assert.Equal($"__Host-sse_token={token}", parts[0]);
        Assert.Equal(["httponly", "path=/", "samesite=strict", "secure"], parts[1..].Where(part => !part.StartsWith("max-age=", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.InRange(int.Parse(Assert.Single(parts, part => part.StartsWith("max-age=", StringComparison.Ordinal))["max-age=".Length..], CultureInfo.InvariantCulture), 500, 600);

        using var request = Request(HttpMethod.Get, "/whoami?topic=t", ("Cookie", $"theme=dark; {parts[0]}; other=1"));
        using var known = await host.Client.SendAsync(request, Cancellation);
        var body = await known.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.Equal(("cookie", "alice", "t"), (body.GetProperty("source").GetString(), body.GetProperty("name").GetString(), body.GetProperty("topics")[0].GetProperty("subscribe").GetString()));

        // A renewal: the next token, and the cookie of the other kind is gone, so that there are not two.
        var next = Tokens.Make(["t"], ["t"]);
        using var renewed = await SendAsync(host, HttpMethod.Post, "/session", ("Authorization", $"Bearer {next}"), ("Cookie", parts[0]));
        Assert.Equal(HttpStatusCode.NoContent, renewed.StatusCode);
        Assert.Collection(
            Cookies(renewed),
            gone => Assert.Matches("^__Host-sse_token=; max-age=0; .*samesite=none.*Partitioned$", gone),
            set => Assert.StartsWith($"__Host-sse_token={next}; ", set, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_no_token_or_does_not_fit_begins_no_session()
    {
        var key = ApiKey.New();
        using var file = new ApiKeyFile(ApiKeyFile.Stored(key, "billing", "*"));
        await using var host = await EventsHost.StartAsync(redis, null, [.. s_settings, ("Security:ApiKeyFile", file.Path)]);
        var small = Tokens.Make(["t"]);
        var fits = Padded(SessionCookie.MaxLength);
        foreach (var (header, value, status, reason) in new (string, string, HttpStatusCode, string?)[]
        {
            ("Authorization", $"Bearer {key.Text}", HttpStatusCode.Forbidden, "api-key"),
            ("Authorization", $"Bearer {Tokens.Make(["t"], life: TimeSpan.FromHours(-1))}", HttpStatusCode.Unauthorized, AuthReason.TokenExpired),
            ("Authorization", $"Bearer {Tokens.Make(["t"], life: TimeSpan.FromSeconds(-10))}", HttpStatusCode.Unauthorized, AuthReason.TokenExpired),
            ("Authorization", "Bearer nothing", HttpStatusCode.Unauthorized, AuthReason.TokenInvalid),
            ("Authorization", $"Bearer {Padded(SessionCookie.MaxLength + 4)}", HttpStatusCode.RequestEntityTooLarge, null),
            // A cookie does not renew itself.
            ("Cookie", $"__Host-sse_token={small}", HttpStatusCode.Unauthorized, AuthReason.NoCredentials),
            ("X-None", "", HttpStatusCode.Unauthorized, AuthReason.NoCredentials),
        })
        {
            using var answer = await SendAsync(host, HttpMethod.Post, "/session", (header, value), ("Sec-Fetch-Site", "same-origin"));
            Assert.Equal(status, answer.StatusCode);
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
            Assert.Empty(Cookies(answer));
            var body = await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
            Assert.Equal(reason, body.TryGetProperty("reason", out var said) ? said.GetString() : null);
        }

        using var largest = await SendAsync(host, HttpMethod.Post, "/session", ("Authorization", $"Bearer {fits}"));
        Assert.Equal(HttpStatusCode.NoContent, largest.StatusCode);

        static string Padded(int length)
        {
            // Three characters of a claim are four of the token.
            for (var padding = length * 3 / 4; ; padding--)
            {
                if (Tokens.Make(["t"], change: claims => claims["pad"] = new string('x', padding)) is var token && token.Length <= length)
                {
                    Assert.InRange(token.Length, length - 2, length);
                    return token;
                }
            }
        }
    }

    [Fact]
    public async Task A_cookie_that_is_not_valid_refuses_and_the_header_comes_before_it()
    {
        await using var host = await EventsHost.StartAsync(redis, null, s_settings);
        var (alice, bob) = (Tokens.Make(["t"]), Tokens.Make(["t"], sub: "bob"));
        var expired = Tokens.Make(["t"], life: TimeSpan.FromHours(-1));
        foreach (var (cookie, reason) in new[]
        {
            ($"__Host-sse_token={expired}", AuthReason.TokenExpired),
            ("__Host-sse_token=", AuthReason.TokenInvalid),
            ("a=b; __Host-sse_token=x", AuthReason.TokenInvalid),
            ($"__Host-sse_token={ApiKey.New().Text}", AuthReason.TokenInvalid),
            // Nobody says which of the two it is to be.
            ($"__Host-sse_token={alice}; __Host-sse_token={bob}", AuthReason.TokenInvalid),
        })
        {
            using var answer = await SendAsync(host, HttpMethod.Get, "/topics/news.today", ("Cookie", cookie));
            var body = await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
            Assert.Equal((cookie, HttpStatusCode.Unauthorized, reason), (cookie, answer.StatusCode, body.GetProperty("reason").GetString()));
        }

        foreach (var headers in new (string, string)[][]
        {
            [("Authorization", $"Bearer {bob}"), ("Cookie", "__Host-sse_token=x")],
            [("Cookie", $"__Host-sse_token={bob}; __Host-sse_token={bob}")],
        })
        {
            using var answer = await SendAsync(host, HttpMethod.Get, "/whoami", headers);
            Assert.Equal("bob", (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("name").GetString());
        }

        // Names that only begin alike, or are another one to browsers, are none of ours.
        using var others = await SendAsync(host, HttpMethod.Get, "/topics/news.today", ("Cookie", "__Host-sse_token2=x; sse_token=x; __host-sse_token=x"));
        Assert.Equal(HttpStatusCode.OK, others.StatusCode);
    }

    [Fact]
    public async Task With_a_cookie_only_own_pages_change_something_and_no_foreign_page_reads()
    {
        await using var host = await EventsHost.StartAsync(redis, null, s_settings);
        var cookie = ("Cookie", $"__Host-sse_token={Tokens.Make(["t"], ["t"])}");
        var own = host.Address.GetLeftPart(UriPartial.Authority);
        foreach (var (method, path, headers, status) in new (HttpMethod, string, (string, string)[], HttpStatusCode)[]
        {
            (HttpMethod.Post, "/topics/t/events", [cookie], HttpStatusCode.Forbidden),
            (HttpMethod.Post, "/topics/t/events", [cookie, ("Sec-Fetch-Site", "none")], HttpStatusCode.Forbidden),
            (HttpMethod.Post, "/topics/t/events", [cookie, ("Sec-Fetch-Site", "same-site")], HttpStatusCode.Forbidden),
            (HttpMethod.Post, "/topics/t/events", [cookie, ("Origin", "https://evil.example")], HttpStatusCode.Forbidden),
            (HttpMethod.Post, "/topics/t/events", [cookie, ("Origin", "null")], HttpStatusCode.Forbidden),
            (HttpMethod.Delete, "/session", [cookie], HttpStatusCode.Forbidden),
            (HttpMethod.Delete, "/session", [cookie, ("Origin", "https://evil.example")], HttpStatusCode.Forbidden),
            (HttpMethod.Post, "/topics/t/events", [cookie, ("Origin", own)], HttpStatusCode.Created),
            (HttpMethod.Post, "/topics/t/events", [cookie, ("Sec-Fetch-Site", "same-origin")], HttpStatusCode.Created),
            (HttpMethod.Get, "/topics/t", [cookie], HttpStatusCode.OK),
            (HttpMethod.Get, "/topics/t", [cookie, ("Sec-Fetch-Site", "same-origin")], HttpStatusCode.OK),
            (HttpMethod.Get, "/topics/t", [cookie, ("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Mode", "navigate")], HttpStatusCode.OK),
            (HttpMethod.Get, "/topics/t", [cookie, ("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Mode", "no-cors")], HttpStatusCode.Forbidden),
            (HttpMethod.Get, "/topics/t", [cookie, ("Origin", "https://evil.example")], HttpStatusCode.Forbidden),
            (HttpMethod.Get, "/topics/t/events", [cookie, ("Origin", "https://evil.example")], HttpStatusCode.Forbidden),
            // A gateway alone says what page it is.
            (HttpMethod.Get, "/topics/t", [cookie, ("Origin", "https://evil.example"), ("X-Sse-Origin", own)], HttpStatusCode.Forbidden),
            // Without the cookie nothing is as it was not.
            (HttpMethod.Get, "/topics/news.today", [("Origin", "https://evil.example")], HttpStatusCode.OK),
            (HttpMethod.Post, "/topics/t/events", [("Authorization", $"Bearer {Tokens.Make(["t"], ["t"])}"), cookie], HttpStatusCode.Created),
        })
        {
            using var answer = await SendAsync(host, method, path, headers);
            var said = string.Join(", ", headers.Skip(1));
            Assert.Equal((path, said, status), (path, said, answer.StatusCode));
            if (status == HttpStatusCode.Forbidden)
            {
                Assert.Equal(AuthReason.ForeignOrigin, (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("reason").GetString());
                Assert.Empty(Cookies(answer));
            }
        }

        using var stream = Request(HttpMethod.Get, "/events?topic=t", cookie, ("Origin", "https://evil.example"), ("Last-Event-ID", "kept"));
        stream.Headers.Accept.ParseAdd("text/event-stream");
        using var refused = await host.Client.SendAsync(stream, Cancellation);
        Assert.Equal(HttpStatusCode.OK, refused.StatusCode);
        Assert.Equal(
            """
            retry: 300000
            id: kept
            event: stream.unauthorized
            data: {"reason":"foreign-origin","retryAfterMs":300000}


            """,
            await refused.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task Signing_out_deletes_the_cookie_and_ends_its_streams_and_no_others()
    {
        await using var host = await EventsHost.StartAsync(redis, null, s_settings);
        var (alice, phone) = (Tokens.Make(["t"], ["t"]), Tokens.Make(["t"], ["t"], change: claims => claims["jti"] = "phone"));
        await using var hers = await OpenAsync(host, ("Cookie", $"__Host-sse_token={alice}"));
        await using var other = await OpenAsync(host, ("Authorization", $"Bearer {phone}"));

        using var answer = await SendAsync(host, HttpMethod.Delete, "/session", ("Cookie", $"__Host-sse_token={alice}"), ("Sec-Fetch-Site", "same-origin"));
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        AssertDeleted(answer);
        var ended = await hers.NextAsync();
        Assert.Equal((AccessRefusal.EventName, true), (ended?.Type, ended?.Data.Contains(AuthReason.TokenRevoked, StringComparison.Ordinal)));
        Assert.InRange(hers.Retry!.Value, 30_000, 60_000);
        Assert.Null(await hers.NextAsync());

        host.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", phone);
        using var published = await host.PublishAsync("t", "still there");
        Assert.Equal(["still there"], await other.DataAsync(1));
        host.Client.DefaultRequestHeaders.Authorization = null;

        // Who has an expired one gets rid of it too.
        foreach (var (cookie, reason) in new[] { (Tokens.Make(["t"], life: TimeSpan.FromHours(-1)), AuthReason.TokenExpired), ("x", AuthReason.TokenInvalid), (null, AuthReason.NoCredentials) })
        {
            using var refused = await SendAsync(host, HttpMethod.Delete, "/session", ("Sec-Fetch-Site", "same-origin"), ("Cookie", cookie is null ? "a=b" : $"__Host-sse_token={cookie}"));
            var body = await refused.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
            Assert.Equal((HttpStatusCode.Unauthorized, reason), (refused.StatusCode, body.GetProperty("reason").GetString()));
            AssertDeleted(refused);
        }

        static void AssertDeleted(HttpResponseMessage answer) => Assert.Collection(
            Cookies(answer),
            own => Assert.Matches("^__Host-sse_token=; max-age=0; path=/; secure; samesite=strict; httponly$", own),
            site => Assert.Matches("^__Host-sse_token=; max-age=0; path=/; secure; samesite=none; httponly; Partitioned$", site));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Signing_out_is_not_evaded_with_another_text_of_the_token(bool hasId)
    {
        var file = Path.GetTempFileName();
        try
        {
            using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            await File.WriteAllTextAsync(file, pair.ExportSubjectPublicKeyInfoPem(), Cancellation);
            await using var host = await EventsHost.StartAsync(redis, null, [.. s_settings, ("Security:Issuers:1:Issuer", "pair"), ("Security:Issuers:1:Audience", Tokens.Audience), ("Security:Issuers:1:PublicKeyFile", file)]);
            var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
            var token = new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(
                JsonSerializer.Serialize(new Dictionary<string, object>(StringComparer.Ordinal)
                {
                    ["iss"] = "pair",
                    ["aud"] = Tokens.Audience,
                    [hasId ? "jti" : "nonce"] = Guid.NewGuid().ToString("N"),
                    ["iat"] = now,
                    ["exp"] = now + 600,
                    [TokenClaims.DefaultSubscribe] = "t",
                }),
                new SigningCredentials(new ECDsaSecurityKey(pair), SecurityAlgorithms.EcdsaSha256));
            var shared = Tokens.Make(["t"], change: claims => claims.Remove(hasId ? "more" : "jti"));
            await using var twins = await OpenAsync(host, ("Authorization", $"Bearer {Tokens.Twin(token)}"));
            foreach (var each in new[] { token, shared })
            {
                using var answer = await SendAsync(host, HttpMethod.Delete, "/session", Cookie(each), ("Sec-Fetch-Site", "same-origin"));
                Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
            }

            Assert.Equal(AccessRefusal.EventName, (await twins.NextAsync())?.Type);
            foreach (var other in new[] { token, Tokens.Twin(token), $"{token}=", $"{token}==", shared, $"{shared}=", $"{shared}==" })
            {
                foreach (var credential in new[] { ("Authorization", $"Bearer {other}"), Cookie(other) })
                {
                    using var refused = await SendAsync(host, HttpMethod.Get, "/topics/t", credential);
                    Assert.Equal((credential, HttpStatusCode.Unauthorized), (credential, refused.StatusCode));
                }
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Signing_out_ends_the_streams_of_all_tokens_that_the_session_has_had_and_no_others()
    {
        var prefix = Guid.NewGuid().ToString("N");
        await using var host = await EventsHost.StartAsync(redis, prefix, s_settings);
        await using var other = await EventsHost.StartAsync(redis, prefix, s_settings);
        string[] session = [Token(), Token(), Token(), Token()];
        var phone = Token();
        await using var phones = await OpenAsync(host, Cookie(phone));
        var streams = new List<SseReader> { await OpenAsync(host, Cookie(session[0])) };
        // Two tabs that both know the first token, and then one that knows the second.
        foreach (var (before, next) in new[] { (0, 1), (0, 2), (1, 3) })
        {
            using var renewed = await SendAsync(next == 2 ? other : host, HttpMethod.Post, "/session", Cookie(session[before]), ("Authorization", $"Bearer {session[next]}"));
            Assert.Equal(HttpStatusCode.NoContent, renewed.StatusCode);
            streams.Add(await OpenAsync(next == 2 ? other : host, Cookie(session[next])));
        }

        // Whoever writes into Redis puts nobody's token into another's session.
        await using var connection = await redis.ConnectAsync();
        var first = (await host.Get<CredentialService>().VerifyAsync(session[0])).Principal!.Fingerprint;
        var strangers = (await host.Get<CredentialService>().VerifyAsync(phone)).Principal!.Fingerprint;
        Assert.True(await connection.GetDatabase().HashSetAsync($"{prefix}:session:{first}", strangers, $$"""{"fingerprint":"{{strangers}}","endsAt":"2036-01-01T00:00:00Z"}"""));

        using var answer = await SendAsync(other, HttpMethod.Delete, "/session", Cookie(session[2]), ("Sec-Fetch-Site", "same-origin"));
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        foreach (var stream in streams)
        {
            var ended = await stream.NextAsync();
            Assert.Equal((AccessRefusal.EventName, true), (ended?.Type, ended?.Data.Contains(AuthReason.TokenRevoked, StringComparison.Ordinal)));
            await stream.DisposeAsync();
        }

        foreach (var token in session)
        {
            using var refused = await SendAsync(other, HttpMethod.Get, "/whoami", ("Authorization", $"Bearer {token}"));
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        host.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", phone);
        using var published = await host.PublishAsync("t", "still there");
        Assert.Equal(["still there"], await phones.DataAsync(1));
        host.Client.DefaultRequestHeaders.Authorization = null;

        // A page that also sends a token, whatever it is, signs out of the session of its cookie.
        using var both = await SendAsync(host, HttpMethod.Delete, "/session", Cookie(phone), ("Authorization", $"Bearer {session[0]}"));
        Assert.Equal(AccessRefusal.EventName, (await phones.NextAsync())?.Type);
    }

    [Fact]
    public async Task Without_redis_the_cookie_is_renewed_all_the_same_and_a_sign_out_says_that_it_is_not_certain()
    {
        await using var own = new RedisServer();
        await own.RequireAsync();
        await using var host = await EventsHost.StartAsync(own, null, s_settings);
        var (before, next) = (Token(), Token());
        await own.KillAsync();
        await Eventually.Async(() => !host.Get<RedisStatus>().IsConnected, TimeSpan.FromSeconds(10), "the loss of Redis");
        using var renewed = await SendAsync(host, HttpMethod.Post, "/session", Cookie(before), ("Authorization", $"Bearer {next}"));
        Assert.Equal(HttpStatusCode.NoContent, renewed.StatusCode);
        using var ended = await SendAsync(host, HttpMethod.Delete, "/session", Cookie(next), ("Sec-Fetch-Site", "same-origin"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, true), (ended.StatusCode, ended.Headers.RetryAfter is not null));

        // It can be tried again.
        await own.RequireAsync();
        await Eventually.Async(
            async () =>
            {
                using var again = await SendAsync(host, HttpMethod.Delete, "/session", ("Authorization", $"Bearer {next}"));
                return again.StatusCode == HttpStatusCode.NoContent;
            },
            TimeSpan.FromSeconds(20),
            "the sign-out to succeed");
    }

    private static string Token() => Tokens.Make(["t"], ["t"]);

    private static (string Name, string Value) Cookie(string token) => ("Cookie", $"__Host-sse_token={token}");

    private static async Task<SseReader> OpenAsync(EventsHost host, (string Name, string Value) credential)
    {
        using var client = new HttpClient { BaseAddress = host.Address };
        client.DefaultRequestHeaders.TryAddWithoutValidation(credential.Name, credential.Value);
        var reader = await SseReader.OpenAsync(client, "/events?topic=t");
        await reader.OpenedAsync();
        return reader;
    }

    private static async Task<HttpResponseMessage> SendAsync(EventsHost host, HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var request = Request(method, path, headers);
        return await host.Client.SendAsync(request, Cancellation);
    }

    private static HttpRequestMessage Request(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path);
        if (method == HttpMethod.Post)
        {
            request.Content = new StringContent("data");
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    private static string[] Cookies(HttpResponseMessage answer) => answer.Headers.TryGetValues("Set-Cookie", out var cookies) ? [.. cookies] : [];
}
