using Microsoft.AspNetCore.Routing;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Operators;
using SseApp.Tests.Gateway;

namespace SseApp.Tests.ServiceDefaults.Cluster.Operators;

/// <summary>Operators by token or API key, on the listeners of both services.</summary>
public sealed class OperatorCredentialTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private int _operators;

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task Each_endpoint_says_what_it_needs_and_gets_it(string service)
    {
        var (services, address) = await StartAsync(service);
        services.GetRequiredService<Revocations>().Add(new Revocation(RevocationKind.TokenId, "taken back", null, null, TimeProvider.System.GetUtcNow(), null));
        using var client = new HttpClient { BaseAddress = address };
        var wrong = new List<string>();
        var needs = new List<NeedKind>();
        foreach (var (method, path, need) in Endpoints(services).Concat([("GET", "/none", NeedKind.Operate), ("PUT", "/admin/topics", NeedKind.Operate)]))
        {
            needs.Add(need);
            await ExpectAsync("sse:admin", "let in", null);
            await ExpectAsync("other sse:admin sse:metrics", "let in", null);
            await ExpectAsync("sse:metrics", need == NeedKind.Measure ? "let in" : "403", AuthReason.InsufficientScope);
            await ExpectAsync("", "403", AuthReason.InsufficientScope);
            await ExpectAsync("sse:adminx SSE:ADMIN sse:*", "403", AuthReason.InsufficientScope);
            await ExpectAsync("sse:admin", "401", AuthReason.TokenExpired, life: TimeSpan.FromHours(-1));
            await ExpectAsync("sse:admin", "401", AuthReason.TokenInvalid, key: "another key of at least 32 bytes, for tests");
            await ExpectAsync("sse:admin", "401", AuthReason.TokenRevoked, id: "taken back");

            async Task ExpectAsync(string scope, string expected, string? reason, TimeSpan? life = null, string key = Tokens.Key, string? id = null)
            {
                var token = Tokens.Make(["*"], ["*"], $"operator {_operators++}", life, claims =>
                {
                    claims["scope"] = scope;
                    claims["jti"] = id ?? Guid.NewGuid().ToString("N");
                }, key);
                using var answer = await client.SendAsync(new HttpMethod(method), path, ("Authorization", $"Bearer {token}"));
                var got = answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden ? $"{(int)answer.StatusCode}" : "let in";
                var said = got == "let in" ? reason : (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("reason").GetString();
                if (got != expected || said != reason || (got == "403" && answer.Headers.WwwAuthenticate.ToString() != "Bearer error=\"insufficient_scope\""))
                {
                    wrong.Add($"{method} {path} with '{scope}': {got} {said} instead of {expected} {reason}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(3, needs.Count(need => need == NeedKind.Measure));
        Assert.True(needs.Count(need => need == NeedKind.Operate) > 8);
    }

    [Fact]
    public async Task An_api_key_with_the_scope_is_an_operators_and_one_without_is_not()
    {
        var (with, without) = (ApiKey.New(), ApiKey.New());
        using var file = new ApiKeyFile(ApiKeyFile.Stored(with, "ops", new Grants([], [], [Grants.AdminScope])), ApiKeyFile.Stored(without, "app", "*"));
        var gateway = await GatewayAsync([.. Tokens.Settings, ("Security:ApiKeyFile", file.Path)]);
        foreach (var (key, status) in new[] { (with.Text, HttpStatusCode.OK), (without.Text, HttpStatusCode.Forbidden), ($"sse_{with.Id}_{new string('a', 43)}", HttpStatusCode.Unauthorized) })
        {
            using var client = new HttpClient { BaseAddress = gateway.Admin.BaseAddress };
            using var answer = await client.SendAsync(HttpMethod.Get, "/admin/replicas", ("Authorization", $"Bearer {key}"));
            Assert.Equal(status, answer.StatusCode);
        }
    }

    [Fact]
    public async Task An_operator_is_answered_ten_times_a_second_and_nobody_else_pays_for_one_who_asks_more()
    {
        var gateway = await GatewayAsync(Tokens.Settings);
        using var client = new HttpClient { BaseAddress = gateway.Admin.BaseAddress };
        var (greedy, other) = (Token("greedy"), Token("other"));
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => AskAsync(greedy, "/admin/replicas")));
        Assert.InRange(answers.Count(status => status == HttpStatusCode.OK), OperatorLimit.PerSecond, 80);
        Assert.Contains(HttpStatusCode.TooManyRequests, answers);
        Assert.Equal(HttpStatusCode.OK, await AskAsync(other, "/admin/replicas"));
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => AskAsync(OperatorAccess.Key.Text, "/admin/replicas"))), status => Assert.Equal(HttpStatusCode.OK, status));
        // Whoever measures does not operate.
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => AskAsync(greedy, "/metrics"))), status => Assert.Equal(HttpStatusCode.OK, status));

        async Task<HttpStatusCode> AskAsync(string credential, string path)
        {
            using var answer = await client.SendAsync(HttpMethod.Get, path, ("Authorization", $"Bearer {credential}"));
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task A_line_for_each_request_says_who_did_what_from_where_and_how_it_ended_and_no_secret()
    {
        var gateway = await GatewayAsync(Tokens.Settings);
        using var client = new HttpClient { BaseAddress = gateway.Admin.BaseAddress };
        var (admin, metrics) = (Token("alice\u2028root"), Token("bob", Grants.MetricsScope));
        foreach (var (method, path, credential) in new[]
        {
            ("GET", "/admin/replicas?token=hidden", admin), ("POST", "/admin/alerts/test?force=true&key=hidden", OperatorAccess.Key.Text),
            ("GET", "/admin/topics", metrics), ("GET", "/metrics", metrics), ("GET", "/admin/alerts", "wrong-key"), ("GET", "/health", admin), ("GET", "/admin/alerts", admin + "x"),
        })
        {
            using var answer = await client.SendAsync(new HttpMethod(method), path, ("Authorization", $"Bearer {credential}"));
        }

        await UntilAsync(() => Lines().Length >= 4, "the lines");
        Assert.Equal(
            [
                $"alice?root of {Tokens.Issuer}, by token, from 127.0.0.1: GET /admin/replicas: 400",
                "operator, by key, from 127.0.0.1: POST /admin/alerts/test?force=true: 400",
                $"bob of {Tokens.Issuer}, by token, from 127.0.0.1: GET /admin/topics: 403",
                "nobody, by nothing that counts, from 127.0.0.1: GET /admin/alerts: 401",
            ],
            Lines()[..4]);
        Assert.DoesNotContain(gateway.Logs, line => line.Contains("hidden", StringComparison.Ordinal) || line.Contains("wrong-key", StringComparison.Ordinal) || line.Contains(OperatorAccess.Key.Text, StringComparison.Ordinal) || line.Contains(admin[^43..], StringComparison.Ordinal));

        // Many strangers' attempts are few lines.
        var before = Lines().Length;
        for (var i = 0; i < 200; i++)
        {
            using var answer = await client.SendAsync(HttpMethod.Get, "/admin/alerts", ("Authorization", "Bearer wrong-key"));
        }

        Assert.InRange(Lines().Length - before, 0, 100);

        string[] Lines() => [.. gateway.Services.GetFakeLogCollector().GetSnapshot().Where(record => record.Category == OperatorAudit.Category).Select(record => record.Message)];
    }

    [Fact]
    public async Task What_may_be_a_credential_is_in_no_line_wherever_it_was_sent()
    {
        var gateway = await GatewayAsync(Tokens.Settings);
        var (key, token, ticket) = (ApiKey.New().Text, Token("bob"), Ticket.New());
        foreach (var secret in new[] { key, token, ticket })
        {
            using var forced = await gateway.Admin.PostAsync($"/admin/alerts/test?force={secret}&permanent={secret}", null, Cancellation);
            using var path = await gateway.Admin.PostAsync($"/admin/replicas/{secret}/drain", null, Cancellation);
            foreach (var member in (string[])["jti", "sub", "apiKey", "ticket"])
            {
                using var revoked = await gateway.Admin.PostAsync("/admin/revocations", new StringContent($$"""{"{{member}}":"{{secret}}"}"""), Cancellation);
                using var issuer = await gateway.Admin.PostAsync("/admin/revocations", new StringContent($$"""{"sub":"a","issuer":"{{secret}}"}"""), Cancellation);
            }
        }

        await UntilAsync(() => Lines().Length >= 30, "the lines");
        Assert.Contains(Lines(), line => line.Contains("?force=?&permanent=?", StringComparison.Ordinal));
        Assert.Contains(Lines(), line => line.Contains("(Subject '***sha256:", StringComparison.Ordinal));
        Assert.DoesNotContain(Lines(), line => line.Contains(key[^43..^20], StringComparison.Ordinal) || line.Contains(token[..30], StringComparison.Ordinal) || line.Contains(ticket[..20], StringComparison.Ordinal));

        string[] Lines() => [.. gateway.Services.GetFakeLogCollector().GetSnapshot().Where(record => record.Category == OperatorAudit.Category).Select(record => record.Message)];
    }

    [Theory]
    [InlineData("http://127.0.0.1:0", false)]
    [InlineData("http://0.0.0.0:0", true)]
    public async Task A_listener_in_plain_text_for_a_network_is_warned_of(string url, bool warns)
    {
        var gateway = await GatewayAsync(("Admin:Urls", url));
        Assert.Equal(warns, gateway.Logs.Any(message => message.Contains("in plain text", StringComparison.Ordinal)));
    }

    private static string Token(string sub, string scope = Grants.AdminScope) => Tokens.Make(sub: sub, change: claims => claims["scope"] = scope);

    private static IEnumerable<(string Method, string Path, NeedKind Need)> Endpoints(IServiceProvider services)
    {
        foreach (var endpoint in services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            if (endpoint.Metadata.GetMetadata<Need>()?.Kind is not (NeedKind.Operate or NeedKind.Measure) and not null)
            {
                continue;
            }

            var path = endpoint.RoutePattern.RawText!;
            if (endpoint.Metadata.GetMetadata<Need>() is not { } need)
            {
                // Routes of the proxy and of pages are on the other listener; what operators have always says it.
                Assert.False(path.StartsWith("/admin", StringComparison.Ordinal), path);
                continue;
            }

            var methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"];
            yield return (methods.FirstOrDefault(method => method is not "HEAD") ?? "GET", path.Replace("{topic}", "t", StringComparison.Ordinal).Replace("{id}", "0000000000000000", StringComparison.Ordinal), need.Kind);
        }
    }

    private async Task<(IServiceProvider Services, Uri Address)> StartAsync(string service)
    {
        if (service == "gateway")
        {
            var gateway = await GatewayAsync(Tokens.Settings);
            return (gateway.Services, gateway.Admin.BaseAddress!);
        }

        var replica = Own(await EventsHost.StartAsync(redis, null, Tokens.Settings));
        return (replica.Services, replica.Admin.BaseAddress!);
    }
}
