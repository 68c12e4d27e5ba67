using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Gateway.Security;

/// <summary>Other services behind the gateway: who is let in, and what of the credentials they get.</summary>
public sealed class RoutePolicyTests : GatewayTest
{
    private const string Listed = "https://app.example";

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("nobody-has-this")]
    public async Task With_security_on_a_route_that_does_not_say_who_may_use_it_stops_the_start_and_is_named(string? policy)
    {
        var service = Own(await OriginHost.StartAsync("service"));
        (string, string)[] settings = [.. OtherService(service), .. policy is null ? Array.Empty<(string, string)>() : [("ReverseProxy:Routes:other:AuthorizationPolicy", policy)]];
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => GatewayAsync([.. Tokens.Settings, .. settings]));
        Assert.Contains(
            string.IsNullOrEmpty(policy) ? "Route 'other' does not say who may use it. Set ReverseProxy:Routes:other:AuthorizationPolicy to 'default'" : "nobody-has-this",
            exception.ToString(), StringComparison.Ordinal);

        // Where everybody may do everything, nobody has to say it.
        if (string.IsNullOrEmpty(policy))
        {
            var open = await GatewayAsync(settings);
            Assert.Equal("service", await open.Client.GetStringAsync("/other/a", Cancellation));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_endpoint_that_does_not_say_what_it_needs_is_nobodys(bool secured)
    {
        var gateway = Own(await GatewayHost.StartAsync(
            Registry,
            secured ? Tokens.Settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value, StringComparer.OrdinalIgnoreCase) : null,
            app =>
            {
                app.MapGet("/forgotten", () => "secret");
                app.MapGet("/said", () => "open").Needs(NeedKind.Nothing);
            }));
        (HttpMethod, string, HttpStatusCode)[] expected =
        [
            (HttpMethod.Get, "/forgotten", HttpStatusCode.NotFound),
            (HttpMethod.Post, "/forgotten", HttpStatusCode.MethodNotAllowed),
            (HttpMethod.Get, "/said", HttpStatusCode.OK),
            (HttpMethod.Get, "/alive", HttpStatusCode.OK),
            (HttpMethod.Get, "/", HttpStatusCode.OK),
            (HttpMethod.Post, "/", HttpStatusCode.MethodNotAllowed),
            (HttpMethod.Get, "/nothing", HttpStatusCode.NotFound),
        ];
        foreach (var (method, path, status) in expected)
        {
            foreach (var token in new[] { null, Tokens.Make(["*"], ["*"]) })
            {
                using var answer = await gateway.Client.SendAsync(method, path, token is null ? [] : [("Authorization", $"Bearer {token}")]);
                Assert.Equal((method, path, status), (method, path, answer.StatusCode));
            }
        }
    }

    [Fact]
    public async Task A_change_that_leaves_the_policy_out_is_reported_and_ignored()
    {
        var service = Own(await OriginHost.StartAsync("service"));
        var gateway = await GatewayAsync([.. Tokens.Settings, .. OtherService(service), Policy("default")]);
        var configuration = (IConfigurationRoot)gateway.Get<IConfiguration>();
        configuration["ReverseProxy:Routes:second:ClusterId"] = "other";
        configuration["ReverseProxy:Routes:second:Match:Path"] = "/second";
        configuration.Reload();
        await UntilAsync(
            () => gateway.Logs.Any(log => log.StartsWith("The change of section ReverseProxy is invalid", StringComparison.Ordinal) && log.Contains("Route 'second'", StringComparison.Ordinal)), "the fault to be reported");

        using var unknown = await gateway.Client.SendAsync(HttpMethod.Get, "/second");
        using var closed = await gateway.Client.SendAsync(HttpMethod.Get, "/other/a");
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.Unauthorized), (unknown.StatusCode, closed.StatusCode));
        configuration["ReverseProxy:Routes:second:AuthorizationPolicy"] = "anonymous";
        configuration.Reload();
        await Eventually.Async(
            async () =>
            {
                using var answer = await gateway.Client.SendAsync(HttpMethod.Get, "/second");
                return answer.StatusCode == HttpStatusCode.OK;
            },
            TimeSpan.FromSeconds(10),
            "the next change, which says it, to count");
    }

    [Fact]
    public async Task Default_lets_in_who_has_a_valid_credential_and_tells_everybody_else_why_not()
    {
        var service = Own(await OriginHost.StartAsync("service"));
        await OriginAsync("r1");
        var gateway = await GatewayAsync([.. Tokens.Settings, .. OtherService(service), Policy("default"), ("ReverseProxy:Routes:other:CorsPolicy", "events"), ("Cors:Origins:0", Listed), ("Cors:AllowCredentials", "true")]);
        var (valid, expired) = (Tokens.Make(), Tokens.Make(life: TimeSpan.FromHours(-1)));
        foreach (var (method, headers, status, reason) in new (HttpMethod, (string, string)[], HttpStatusCode, string?)[]
        {
            (HttpMethod.Get, [], HttpStatusCode.Unauthorized, AuthReason.NoCredentials),
            (HttpMethod.Get, [Bearer(expired)], HttpStatusCode.Unauthorized, AuthReason.TokenExpired),
            (HttpMethod.Get, [Bearer("x")], HttpStatusCode.Unauthorized, AuthReason.TokenInvalid),
            (HttpMethod.Get, [Bearer("x"), Cookie(valid)], HttpStatusCode.Unauthorized, AuthReason.TokenInvalid),
            (HttpMethod.Get, [Bearer(valid)], HttpStatusCode.OK, null),
            (HttpMethod.Post, [Bearer(valid)], HttpStatusCode.OK, null),
            (HttpMethod.Get, [Cookie(valid)], HttpStatusCode.OK, null),
            (HttpMethod.Get, [Cookie(expired)], HttpStatusCode.Unauthorized, AuthReason.TokenExpired),
            // The service does not see the cookie, so the gateway asks whose page it is.
            (HttpMethod.Post, [Cookie(valid)], HttpStatusCode.Forbidden, AuthReason.ForeignOrigin),
            (HttpMethod.Post, [Cookie(valid), ("Origin", "https://evil.example")], HttpStatusCode.Forbidden, AuthReason.ForeignOrigin),
            (HttpMethod.Get, [Cookie(valid), ("Origin", "https://evil.example")], HttpStatusCode.Forbidden, AuthReason.ForeignOrigin),
            (HttpMethod.Post, [Cookie(valid), ("Origin", Listed)], HttpStatusCode.OK, null),
            (HttpMethod.Post, [Cookie(valid), ("Sec-Fetch-Site", "same-origin")], HttpStatusCode.OK, null),
            (HttpMethod.Options, [("Origin", Listed), ("Access-Control-Request-Method", "POST")], HttpStatusCode.NoContent, null),
        })
        {
            using var answer = await gateway.Client.SendAsync(method, "/other/a", headers);
            Assert.Equal((method, string.Join(", ", headers), status), (method, string.Join(", ", headers), answer.StatusCode));
            if (reason is not null)
            {
                using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
                Assert.Equal(reason, body.RootElement.GetProperty("reason").GetString());
                Assert.Equal(status == HttpStatusCode.Unauthorized, answer.Headers.WwwAuthenticate.Count == 1);
            }
        }

        using var stream = await StreamClient.OpenAsync(gateway.Client, "/other/live");
        Assert.Equal(HttpStatusCode.OK, stream.Response.StatusCode);
        Assert.Matches("^retry: [345]\\d{4}\nevent: stream.unauthorized\ndata: {\"reason\":\"no-credentials\"", Encoding.UTF8.GetString(await stream.ReadToEndAsync()));

        // What needs nothing is everybody's, whatever is sent along.
        foreach (var path in new[] { "/alive", "/health", "/", "/console.js" })
        {
            using var open = await gateway.Client.SendAsync(HttpMethod.Get, path, Cookie("x"), ("Origin", "https://evil.example"));
            Assert.Equal((path, HttpStatusCode.OK), (path, open.StatusCode));
        }

        // Of what goes to replicas these decide, and the gateway says nothing.
        using var replica = await gateway.Client.SendAsync(HttpMethod.Get, "/topics/a", Bearer("x"));
        Assert.Equal(HttpStatusCode.OK, replica.StatusCode);
    }

    [Fact]
    public async Task Anonymous_is_everybody_and_the_service_decides()
    {
        var service = Own(await OriginHost.StartAsync("service"));
        var gateway = await GatewayAsync([.. Tokens.Settings, .. OtherService(service), Policy("anonymous")]);
        foreach (var headers in new (string, string)[][] { [], [Bearer("its own")], [Cookie("x")], [Cookie("x"), ("Origin", "https://evil.example")] })
        {
            using var answer = await gateway.Client.SendAsync(HttpMethod.Post, "/other/a", headers);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    [Theory]
    [InlineData("a=b; __Host-sse_token=x; c=d", "a=b; c=d")]
    [InlineData("__Host-sse_token=x", null)]
    [InlineData("__Host-sse_token=x;__Host-sse_token=y; a=\"b\"", "a=\"b\"")]
    [InlineData("a=__Host-sse_token=x; __host-SSE_token = y", "a=__Host-sse_token=x")]
    [InlineData("a=1;  b=2", "a=1;  b=2")]
    public async Task The_cookie_reaches_replicas_and_nobody_else(string sent, string? received)
    {
        var service = Own(await OriginHost.StartAsync("service"));
        var replica = await OriginAsync("r1");
        var gateway = await GatewayAsync([.. Tokens.Settings, .. OtherService(service), Policy("anonymous")]);
        using var other = await gateway.Client.SendAsync(HttpMethod.Get, "/other/a", ("Cookie", sent), ("X-Sse-Origin", "https://a.example"), ("x-sse-anything", "1"), ("Authorization", "Bearer its own"));
        using var events = await gateway.Client.SendAsync(HttpMethod.Get, "/topics/a", ("Cookie", sent));

        var headers = Assert.Single(service.Requests).Headers;
        Assert.Equal(received, headers.GetValueOrDefault("Cookie"));
        Assert.Equal("Bearer its own", headers["Authorization"]);
        Assert.DoesNotContain(headers.Keys, name => name.StartsWith("X-Sse-", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(sent, Assert.Single(replica.Requests).Headers["Cookie"]);
    }

    [Theory]
    [InlineData("?a=%2F+x&b=&b=1", "?a=%2F+x&b=&b=1")]
    [InlineData("?ticket=secret", "")]
    [InlineData("?a=1&ticket=secret&b=2", "?a=1&b=2")]
    [InlineData("?a=1&Ticket=secret&b=2&ticket=another", "?a=1&b=2")]
    [InlineData("?tickets=2&my-ticket=3", "?tickets=2&my-ticket=3")]
    public async Task A_ticket_reaches_replicas_and_nobody_else(string sent, string received)
    {
        var seen = new ConcurrentQueue<string>();
        var service = Own(await OriginHost.StartAsync("service", Answer));
        await HandlingOriginAsync("r1", Answer);
        var gateway = await GatewayAsync([.. Tokens.Settings, .. OtherService(service), Policy("anonymous")]);
        using var other = await gateway.Client.SendAsync(HttpMethod.Get, $"/other/a{sent}");
        using var events = await gateway.Client.SendAsync(HttpMethod.Get, $"/topics/a{sent}");
        Assert.Equal([received, sent], seen);

        Task Answer(HttpContext context)
        {
            seen.Enqueue(context.Request.QueryString.Value!);
            return context.Response.WriteAsync("seen", Cancellation);
        }
    }

    private static (string, string) Policy(string policy) => ("ReverseProxy:Routes:other:AuthorizationPolicy", policy);

    private static (string, string) Bearer(string token) => ("Authorization", $"Bearer {token}");

    private static (string, string) Cookie(string token) => ("Cookie", $"__Host-sse_token={token}");
}
