using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.Tests.Gateway;
using EventsReplicas = SseApp.Events.Replicas;

namespace SseApp.Tests.Access;

/// <summary>
/// Every credential at every endpoint, in every way to it. What is to come out stands in <c>matrix.tsv</c>: a line for each credential, a
/// column for each request. An endpoint that says no need, or that has no column, fails.
/// </summary>
public sealed class AccessMatrixTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private const string Own = "orders.1";
    private const string Other = "secret.1";
    private const string Public = "news.1";

    // The endpoint of the list, the request, and a body if it has one.
    private static readonly (string Endpoint, string Name, HttpMethod Method, string Path, string? Body)[] s_requests =
    [
        ("GET /events", "stream", HttpMethod.Get, $"/events?topic={Own}", null),
        ("GET /events", "stream other", HttpMethod.Get, $"/events?topic={Other}", null),
        ("GET /events", "stream both", HttpMethod.Get, $"/events?topic={Own}&topic={Other}", null),
        ("GET /events", "stream public", HttpMethod.Get, $"/events?topic={Public}", null),
        ("GET /events/position", "position", HttpMethod.Get, $"/events/position?topic={Own}&lastEventId=x", null),
        ("GET /events/position", "position both", HttpMethod.Get, $"/events/position?topic={Own}&topic={Other}&lastEventId=x", null),
        ("GET /position", "now", HttpMethod.Get, $"/position?topic={Own}", null),
        ("GET /position", "now both", HttpMethod.Get, $"/position?topic={Own}&topic={Other}", null),
        ("GET /topics/{topic}", "info", HttpMethod.Get, $"/topics/{Own}", null),
        ("GET /topics/{topic}", "info other", HttpMethod.Get, $"/topics/{Other}", null),
        ("GET /topics/{topic}", "info public", HttpMethod.Get, $"/topics/{Public}", null),
        ("GET /topics/{topic}/events", "history", HttpMethod.Get, $"/topics/{Own}/events", null),
        ("GET /topics/{topic}/events", "history other", HttpMethod.Get, $"/topics/{Other}/events", null),
        ("POST /topics/{topic}/events", "publish", HttpMethod.Post, $"/topics/{Own}/events", "data"),
        ("POST /topics/{topic}/events", "publish other", HttpMethod.Post, $"/topics/{Other}/events", "data"),
        ("POST /topics/{topic}/events", "publish public", HttpMethod.Post, $"/topics/{Public}/events", "data"),
        ("POST /publish", "batch", HttpMethod.Post, "/publish", $$"""[{"topics":["{{Own}}"],"data":"a"}]"""),
        ("POST /publish", "batch other", HttpMethod.Post, "/publish", $$"""[{"topics":["{{Own}}","{{Other}}"],"data":"a"}]"""),
        ("GET /whoami", "whoami", HttpMethod.Get, "/whoami", null),
        ("POST /session", "session", HttpMethod.Post, "/session", ""),
        ("DELETE /session", "end of session", HttpMethod.Delete, "/session", null),
        ("POST /tickets", "tickets", HttpMethod.Post, "/tickets", $$"""{"topics":["{{Own}}"]}"""),
        ("POST /tickets", "tickets both", HttpMethod.Post, "/tickets", $$"""{"topics":["{{Own}}","{{Other}}"]}"""),
        ("GET /relay", "relay", HttpMethod.Get, RelayProtocol.Path, null),
        ("/alive", "alive", HttpMethod.Get, "/alive", null),
        ("/health", "health", HttpMethod.Get, "/health", null),
        ("", "admin", HttpMethod.Get, "/admin/connections", null),
        ("", "delete", HttpMethod.Delete, $"/topics/{Own}", null),
        ("", "erase", HttpMethod.Delete, $"/topics/{Own}/events?key=k", null),
        ("", "metrics", HttpMethod.Get, "/metrics", null),
    ];

    private const string RevokedId = "an id that is revoked";
    private const string RevokedSub = "mallory";

    private static readonly string[] s_orders = ["orders.*"];

    // Stands for the origin of the service.
    private const string OwnOrigin = "own";

    private static readonly (string Id, string Text) s_key = ApiKey.New();

    public static IEnumerable<(string Name, Func<string?> Credential)> Credentials =>
    [
        ("none", () => null),
        ("token", () => Bearer(Tokens.Make(["orders.*"], ["orders.*"]))),
        ("token that only reads", () => Bearer(Tokens.Make(["orders.*"]))),
        ("token that only publishes", () => Bearer(Tokens.Make([], ["orders.*"]))),
        ("token of one topic", () => Bearer(Tokens.Make([Own], [Own]))),
        ("token of other topics", () => Bearer(Tokens.Make(["stock.*"], ["stock.*"]))),
        ("token of nothing", () => Bearer(Tokens.Make())),
        ("token with the operators' scope", () => Bearer(Tokens.Make(change: claims => claims["scope"] = Grants.AdminScope))),
        ("sub in a pattern", () => Bearer(Tokens.Make(["{sub}.*"], ["{sub}.*"], sub: "orders"))),
        ("sub with a separator in a pattern", () => Bearer(Tokens.Make(["{sub}.1"], ["{sub}*"], sub: "orders.x"))),
        ("sub that is a pattern", () => Bearer(Tokens.Make(["{sub}"], ["{sub}"], sub: "*"))),
        ("expired", () => Bearer(Tokens.Make(["*"], ["*"], life: TimeSpan.FromMinutes(-5)))),
        ("not yet valid", () => Bearer(Tokens.Make(["*"], ["*"], change: claims => claims["nbf"] = TimeProvider.System.GetUtcNow().AddMinutes(5).ToUnixTimeSeconds()))),
        ("wrong issuer", () => Bearer(Tokens.Make(["*"], ["*"], change: claims => claims["iss"] = "https://other.test"))),
        ("wrong audience", () => Bearer(Tokens.Make(["*"], ["*"], change: claims => claims["aud"] = "others"))),
        ("audience with a slash more", () => Bearer(Tokens.Make(["*"], ["*"], change: claims => claims["aud"] = $"{Tokens.Audience}/"))),
        ("sub that no revocation can name", () => Bearer(Tokens.Make(["*"], ["*"], sub: "mallory\n"))),
        ("jti that no revocation can name", () => Bearer(Tokens.Make(["*"], ["*"], change: claims => claims["jti"] = s_key.Text))),
        ("no end", () => Bearer(Tokens.Make(["*"], ["*"], change: claims => claims.Remove("exp")))),
        ("wrong signature", () => Bearer(Tokens.Make(["*"], ["*"], key: "another key of at least 32 bytes, for tests"))),
        ("wrong algorithm", () => Bearer(Tokens.Make(["*"], ["*"], key: Tokens.Key + Tokens.Key, algorithm: "HS512"))),
        ("no signature", () => Bearer(Unsigned())),
        ("api key", () => Bearer(s_key.Text)),
        ("api key that was removed", () => Bearer(ApiKey.New().Text)),
        ("damaged api key", () => Bearer(s_key.Text[..^1])),
        ("password", () => "Authorization: Basic YTpi"),
        ("two credentials", () => $"{Bearer(Tokens.Make(["*"], ["*"]))}, Bearer {Tokens.Make(["*"], ["*"])}"),
        ("revoked jti", () => Bearer(Tokens.Make(["*"], ["*"], change: claims => claims["jti"] = RevokedId))),
        ("revoked sub", () => Bearer(Tokens.Make(["*"], ["*"], sub: RevokedSub))),
        ("cookie of a program", () => Cookie(Tokens.Make(["orders.*"], ["orders.*"]))),
        ("cookie of its own page", () => $"{Cookie(Tokens.Make(["orders.*"], ["orders.*"]))}\nOrigin: {OwnOrigin}"),
        ("cookie of its own page, by Sec-Fetch-Site", () => $"{Cookie(Tokens.Make(["orders.*"], ["orders.*"]))}\nSec-Fetch-Site: same-origin"),
        ("cookie of a page elsewhere", () => $"{Cookie(Tokens.Make(["orders.*"], ["orders.*"]))}\nOrigin: https://elsewhere.test"),
        ("cookie of a neighbouring host", () => $"Cookie: \u00a0{SessionCookie.Name}={Tokens.Make(["*"], ["*"])}\nOrigin: {OwnOrigin}"),
        ("expired cookie of its own page", () => $"{Cookie(Tokens.Make(["*"], ["*"], life: TimeSpan.FromMinutes(-5)))}\nOrigin: {OwnOrigin}"),
        ("revoked cookie of its own page", () => $"{Cookie(Tokens.Make(["*"], ["*"], sub: RevokedSub))}\nOrigin: {OwnOrigin}"),
        ("cookie and a damaged token", () => $"{Cookie(Tokens.Make(["*"], ["*"]))}\n{Bearer("damaged")}\nOrigin: {OwnOrigin}"),
    ];

    /// <summary>
    /// <c>typ</c> says what a token is for. Issuers that publish their keys sign ID tokens with them, too, so theirs must be access
    /// tokens; unless that is switched off, and with a key that is shared for this alone.
    /// </summary>
    private static IEnumerable<(string Name, Func<string?> Credential)> Typed(JwksServer strict, JwksServer lax) =>
    [
        ("access token of an authority", () => Of(strict, "at+jwt")),
        ("access token of an authority, as a media type", () => Of(strict, "application/at+jwt")),
        ("ID token of an authority", () => Of(strict, "JWT")),
        ("other typ of an authority", () => Of(strict, "logout+jwt")),
        ("typ of an authority that only begins like it", () => Of(strict, "at+jwt+x")),
        ("access token of an authority without the requirement", () => Of(lax, "at+jwt")),
        ("ID token of an authority without the requirement", () => Of(lax, "JWT")),
        ("other typ of an authority without the requirement", () => Of(lax, "logout+jwt")),
        ("access token of a shared key", () => Bearer(Tokens.Make(["orders.*"], ["orders.*"], type: "at+jwt"))),
        ("other typ of a shared key", () => Bearer(Tokens.Make(["orders.*"], ["orders.*"], type: "logout+jwt"))),
        ("access token of an authority, signed by another", () => Of(strict, "at+jwt", claims => claims["iss"] = lax.Issuer)),
    ];

    private static string Of(JwksServer issuer, string type, Action<Dictionary<string, object>>? change = null) => Bearer(issuer.Token("key", type, claims =>
    {
        claims[TokenClaims.DefaultSubscribe] = claims[TokenClaims.DefaultPublish] = s_orders;
        change?.Invoke(claims);
    }));

    // A new one for each request.
    private static readonly (string Name, string[] Topics)[] s_tickets =
    [
        ("ticket", [Own]), ("ticket of two topics", [Own, Other]), ("ticket that was used", [Own]), ("ticket that was revoked", [Own]), ("ticket that is not known", []),
    ];

    [Theory]
    [InlineData("replica")]
    [InlineData("gateway")]
    [InlineData("gateway without relay")]
    [InlineData("gateway, HTTP/2 and TLS")]
    public async Task What_comes_out_is_what_the_table_says(string way)
    {
        var keys = Path.GetTempFileName();
        using var certificate = new TestCertificate();
        await using var strict = await JwksServer.StartAsync();
        await using var lax = await JwksServer.StartAsync();
        strict.AddKey("key", "strict");
        lax.AddKey("key", "lax");
        try
        {
            ApiKeyStore.Write(keys, [new StoredApiKey(s_key.Id, "billing", ApiKey.Hash(s_key.Text), new Grants(["orders.*"], ["orders.*"], []))]);
            (string, string)[] security = [.. Tokens.Settings, .. strict.SettingsOf(1), .. lax.SettingsOf(2), ("Security:Issuers:2:RequireAccessTokenType", "false"), ("Security:PublicTopics:0", "news.*"), ("Security:ApiKeyFile", keys)];
            await using var replica = await EventsHost.StartAsync(redis, null, security);
            AssertEndpoints(replica);
            await replica.Get<RevocationStore>().RevokeAsync(RevocationKind.TokenId, RevokedId, null, null, Cancellation);
            await replica.Get<RevocationStore>().RevokeAsync(RevocationKind.Subject, RevokedSub, null, TimeProvider.System.GetUtcNow().AddHours(1), Cancellation);
            await Registry.WriteAsync(
                new ReplicaRecord { Id = replica.Get<EventsReplicas.ReplicaIdentity>().Id, Address = replica.Address, State = ReplicaState.Ready, Relay = way.Contains("without", StringComparison.Ordinal) ? 0 : RelayProtocol.Version },
                announce: true,
                Cancellation);
            var gateway = way == "replica" ? null : await GatewayAsync(
                [.. security, ("Tls:CertificateFile", certificate.CertificateFile), ("Tls:KeyFile", certificate.KeyFile), ("Tls:Urls", "https://127.0.0.1:0"), ("Tls:Redirect", "false")]);
            if (gateway is not null)
            {
                AssertEndpoints(gateway);
                await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be routed to");
            }

            var secure = way.Contains("TLS", StringComparison.Ordinal);
            using var http = secure ? certificate.Client(gateway!.SecureAddress)
                : new HttpClient(new SocketsHttpHandler { RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1 }) { BaseAddress = gateway?.Address ?? replica.Address };
            http.DefaultRequestVersion = secure ? HttpVersion.Version20 : HttpVersion.Version11;
            http.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;

            List<string> lines = [string.Join('\t', s_requests.Select(request => request.Name).Prepend("credential"))];
            foreach (var (name, credential) in Credentials.Concat(Typed(strict, lax)))
            {
                // A gateway refuses it only where requests go on to a replica.
                var outcomes = new List<string> { way == "replica" && name == "cookie of a page elsewhere" ? $"{name}, at a replica" : name };
                foreach (var request in s_requests)
                {
                    outcomes.Add(await AskAsync(http, request.Method, request.Path, request.Body, credential()));
                }

                lines.Add(string.Join('\t', outcomes));
            }

            foreach (var (name, topics) in s_tickets)
            {
                var outcomes = new List<string> { name };
                foreach (var request in s_requests)
                {
                    var separator = request.Path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
                    outcomes.Add(await AskAsync(http, request.Method, $"{request.Path}{separator}ticket={await TicketAsync(replica, name, topics)}", request.Body, null));
                }

                lines.Add(string.Join('\t', outcomes));
            }

            var expected = await File.ReadAllLinesAsync(Path.Combine(Repository.Root!, "SseApp.Tests", "Access", "matrix.tsv"), Cancellation);
            Assert.Empty(lines.Select(line => line.Split('\t')).SelectMany(line => Differences(line, expected.FirstOrDefault(row => row.StartsWith($"{line[0]}\t", StringComparison.Ordinal))?.Split('\t'))));
        }
        finally
        {
            File.Delete(keys);
        }
    }

    // By request, because a line is longer than a message.
    private static IEnumerable<string> Differences(string[] line, string[]? expected) => expected is null
        ? [$"The table has no line '{line[0]}'."]
        : line.Zip(expected).Select((pair, column) => pair.First == pair.Second ? null : $"{line[0]}, {(column == 0 ? "" : s_requests[column - 1].Name)}: {pair.First}, not {pair.Second}").OfType<string>()
            .Concat(line.Length == expected.Length ? [] : [$"{line[0]}: {line.Length - 1} requests, not {expected.Length - 1}"]);

    private static async Task<string> TicketAsync(EventsHost replica, string name, string[] topics)
    {
        if (topics.Length == 0)
        {
            return Ticket.New();
        }

        var store = replica.Get<TicketStore>();
        var (ticket, _) = (await store.MakeAsync((await replica.Get<CredentialService>().VerifyAsync(Tokens.Make(["*"], ["*"], sub: name))).Principal!, topics, Cancellation))!.Value;
        switch (name)
        {
            case "ticket that was used":
                Assert.Null((await store.OpenAsync((await store.FindAsync(ticket, Cancellation))!, "another", null, comesBack: false)).Reason);
                break;
            case "ticket that was revoked":
                await store.RevokeAsync(ticket, Cancellation);
                break;
        }

        return ticket;
    }

    private static void AssertEndpoints(EventsHost replica)
    {
        var endpoints = replica.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().ToArray();
        Assert.All(endpoints, endpoint => Assert.True(endpoint.Metadata.GetMetadata<Need>() is not null, $"{endpoint} says no need."));
        // Operators have a listener of their own, and tests of its doors.
        var names = endpoints.Where(endpoint => endpoint.Metadata.GetMetadata<Need>()!.Kind is not (NeedKind.Operate or NeedKind.Measure)).SelectMany(endpoint => (endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"])
            .Where(method => method != "HEAD").Select(method => $"{method} /{endpoint.RoutePattern.RawText!.TrimStart('/')}")).Distinct(StringComparer.Ordinal).ToArray();
        Assert.All(names, name => Assert.Contains(s_requests, request => request.Endpoint.Length > 0 && (name == request.Endpoint || name == $"GET {request.Endpoint}")));
    }

    // Those of the replicas' routes are in the matrix; what else it has, everybody may.
    private static void AssertEndpoints(GatewayHost gateway) => Assert.All(
        gateway.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>(),
        endpoint => Assert.True(
            endpoint.Metadata.GetMetadata<Need>() is not null
                || (endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null && endpoint.Metadata.GetMetadata<RouteModel>()?.Config.ClusterId == ReplicaDirectory.ClusterId),
            $"{endpoint} says no need."));

    private static async Task<string> AskAsync(HttpClient http, HttpMethod method, string path, string? body, string? credential)
    {
        using var request = new HttpRequestMessage(method, path) { Version = http.DefaultRequestVersion, VersionPolicy = http.DefaultVersionPolicy };
        if (body is not null)
        {
            request.Content = new StringContent(body);
        }

        foreach (var line in credential?.Split('\n') ?? [])
        {
            var (name, value) = (line[..line.IndexOf(':', StringComparison.Ordinal)], line[(line.IndexOf(':', StringComparison.Ordinal) + 2)..]);
            request.Headers.TryAddWithoutValidation(name, value == OwnOrigin ? http.BaseAddress!.GetLeftPart(UriPartial.Authority) : value);
        }

        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        if (answer.Content.Headers.ContentType?.MediaType != "application/problem+json")
        {
            return $"{(int)answer.StatusCode}";
        }

        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        var reason = problem.TryGetProperty("reason", out var member) ? member.GetString()
            : problem.TryGetProperty("results", out var results) && results[0].TryGetProperty("reason", out member) ? member.GetString() : null;
        return reason is null ? $"{(int)answer.StatusCode}" : $"{(int)answer.StatusCode} {reason}";
    }

    private static string Bearer(string credential) => $"Authorization: Bearer {credential}";

    private static string Cookie(string token) => $"Cookie: {SessionCookie.Name}={token}";

    private static string Unsigned()
    {
        var parts = Tokens.Make(["*"], ["*"]).Split('.');
        return $"{System.Buffers.Text.Base64Url.EncodeToString("""{"alg":"none"}"""u8)}.{parts[1]}.";
    }
}
