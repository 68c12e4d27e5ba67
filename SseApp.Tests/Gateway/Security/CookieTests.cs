using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.Tests.Gateway.Security;

/// <summary>The session's cookie and pages of other origins, at the gateway and with a real replica behind it.</summary>
public sealed class CookieTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private const string Listed = "https://app.example";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sseapp-cookie-");
    private readonly string _prefix = Guid.NewGuid().ToString("N");

    [Theory]
    [InlineData("POST", "/topics/t/events", "", 403)]
    [InlineData("POST", "/publish", "Sec-Fetch-Site: none", 403)]
    [InlineData("POST", "/topics/t/events", "Sec-Fetch-Site: cross-site", 403)]
    [InlineData("PUT", "/topics/t", "", 403)]
    [InlineData("PATCH", "/topics/t", "", 403)]
    [InlineData("DELETE", "/session", "", 403)]
    [InlineData("POST", "/topics/t/events", "Origin: https://evil.example", 403)]
    [InlineData("POST", "/topics/t/events", "Origin: null", 403)]
    [InlineData("POST", "/topics/t/events", "Origin: https://app.example.evil.example", 403)]
    [InlineData("POST", "/topics/t/events", "Origin: https://app.example", 200)]
    [InlineData("POST", "/topics/t/events", "Origin: own", 200)]
    [InlineData("POST", "/topics/t/events", "Sec-Fetch-Site: same-origin", 200)]
    [InlineData("DELETE", "/session", "Origin: https://app.example", 200)]
    [InlineData("GET", "/topics/t", "", 200)]
    [InlineData("GET", "/topics/t", "Origin: own", 200)]
    [InlineData("GET", "/topics/t", "Origin: https://app.example", 200)]
    [InlineData("GET", "/topics/t", "Origin: https://evil.example", 403)]
    [InlineData("GET", "/topics/t/events", "Origin: null", 403)]
    [InlineData("GET", "/whoami", "Origin: https://evil.example", 403)]
    public async Task With_the_cookie_only_own_and_listed_pages_get_through(string method, string path, string header, int status)
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(("Cors:Origins:0", Listed), ("Cors:AllowCredentials", "true"));
        var said = header.Replace("own", gateway.Address.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal).Split(": ");

        using var answer = await SendAsync(gateway, method, path, [("Cookie", "a=b; __Host-sse_token=x"), .. said.Length == 2 ? new[] { (said[0], said[1]) } : []]);

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(status == 200 ? 1 : 0, origin.Requests.Count);
        if (status == 403)
        {
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
            Assert.Equal("foreign-origin", (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("reason").GetString());
        }
    }

    [Theory]
    [InlineData("POST", "/topics/t/events", "", "")]
    [InlineData("GET", "/topics/t", "Origin", "https://evil.example")]
    public async Task Without_the_cookie_nothing_changes(string method, string path, string name, string value)
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(("Cors:Origins:0", Listed));
        foreach (var headers in new (string, string)[][] { [], [("Authorization", "Bearer x"), ("Cookie", "__Host-sse_token=x")], [("Cookie", "a=b")] })
        {
            using var answer = await SendAsync(gateway, method, path, name.Length > 0 ? [.. headers, (name, value)] : headers);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    [Fact]
    public async Task A_star_lists_nobody_who_may_use_the_cookie()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(("Cors:Origins:0", "*"));
        using var without = await SendAsync(gateway, "POST", "/topics/t/events", ("Origin", Listed));
        using var with = await SendAsync(gateway, "POST", "/topics/t/events", ("Origin", Listed), ("Cookie", "__Host-sse_token=x"));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Forbidden), (without.StatusCode, with.StatusCode));
    }

    [Fact]
    public async Task A_replica_is_told_the_origin_of_a_page_elsewhere_and_never_what_a_client_claims()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(("Cors:Origins:0", Listed));
        var own = gateway.Address.GetLeftPart(UriPartial.Authority);
        foreach (var (method, headers, told) in new (string, (string, string)[], string?)[]
        {
            ("POST", [("Origin", Listed)], Listed),
            ("GET", [("Origin", Listed)], Listed),
            ("GET", [("Origin", Listed), (StreamHeaders.Origin, "https://evil.example")], Listed),
            ("POST", [(StreamHeaders.Origin, Listed)], null),
            ("GET", [("x-sse-origin", Listed), ("Origin", own)], null),
            // No page of its own, so that its tickets are not.
            ("GET", [("Origin", "https://evil.example"), ("X-Sse-Origin", Listed)], "https://evil.example"),
        })
        {
            using var answer = await SendAsync(gateway, method, "/topics/t/events", headers);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.True(origin.Requests.TryDequeue(out var request));
            Assert.Equal(told, request.Headers.GetValueOrDefault(StreamHeaders.Origin));
        }
    }

    [Fact]
    public async Task A_preflight_is_answered_without_a_credential_and_sessions_may_be_deleted_from_listed_pages()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync([.. Tokens.Settings, ("Cors:Origins:0", Listed), ("Cors:AllowCredentials", "true")]);
        foreach (var (path, method) in new[] { ("/session", "DELETE"), ("/session", "POST"), ("/topics/t/events", "POST") })
        {
            using var answer = await SendAsync(gateway, "OPTIONS", path, ("Origin", Listed), ("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", "authorization"));
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
            Assert.Equal((Listed, "true"), (Header(answer, "Access-Control-Allow-Origin"), Header(answer, "Access-Control-Allow-Credentials")));
            Assert.Contains(method, Header(answer, "Access-Control-Allow-Methods")!.Split(','));
            Assert.Contains("authorization", Header(answer, "Access-Control-Allow-Headers")!.Split(','), StringComparer.OrdinalIgnoreCase);
        }

        Assert.Empty(origin.Requests);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_page_of_a_listed_origin_signs_in_opens_a_stream_publishes_and_signs_out(bool relay)
    {
        var log = Path.Combine(_folder.FullName, "access.log");
        Own(await EventsHost.StartAsync(redis, _prefix, [.. Tokens.Settings, ("ReplicaRegistry:HeartbeatInterval", "00:00:00.200")]));
        (string Key, string Value)[] settings =
        [
            .. Tokens.Settings, ("ConnectionStrings:redis", redis.ConnectionString), ("Cluster:KeyPrefix", _prefix), ("Cors:Origins:0", Listed), ("Cors:AllowCredentials", "true"),
            ("Relay:Enabled", relay.ToString()), ("AccessLog:Enabled", "true"), ("AccessLog:File", log),
        ];
        var gateway = Own(await GatewayHost.StartAsync(null, settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value, StringComparer.Ordinal)));
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be there");
        var token = Tokens.Make(["t"], ["t"]);

        using var signedIn = await SendAsync(gateway, "POST", "/session", ("Origin", Listed), ("Authorization", $"Bearer {token}"));
        Assert.Equal((HttpStatusCode.NoContent, Listed, "true"), (signedIn.StatusCode, Header(signedIn, "Access-Control-Allow-Origin"), Header(signedIn, "Access-Control-Allow-Credentials")));
        Assert.Matches($"^__Host-sse_token={token}; max-age=\\d+; path=/; secure; samesite=none; httponly; Partitioned$", Header(signedIn, "Set-Cookie"));
        using var own = await SendAsync(gateway, "POST", "/session", ("Authorization", $"Bearer {token}"));
        Assert.Matches("; samesite=strict; httponly$", Header(own, "Set-Cookie"));

        var cookie = ("Cookie", $"__Host-sse_token={token}");
        using var client = new HttpClient { BaseAddress = gateway.Address };
        client.DefaultRequestHeaders.TryAddWithoutValidation(cookie.Item1, cookie.Item2);
        client.DefaultRequestHeaders.TryAddWithoutValidation("Origin", Listed);
        await using var stream = await SseReader.OpenAsync(client, "/events?topic=t");
        await stream.OpenedAsync();
        Assert.Equal(Listed, Header(stream.Response, "Access-Control-Allow-Origin"));
        using var published = await SendAsync(gateway, "POST", "/topics/t/events", ("Origin", Listed), cookie);
        Assert.Equal(HttpStatusCode.Created, published.StatusCode);
        Assert.Equal(["data"], await stream.DataAsync(1));

        client.DefaultRequestHeaders.Remove("Origin");
        client.DefaultRequestHeaders.TryAddWithoutValidation("Origin", "https://evil.example");
        await using var foreign = await SseReader.OpenAsync(client, "/events?topic=t");
        Assert.Equal(AccessRefusal.EventName, (await foreign.NextAsync())?.Type);
        Assert.Null(await foreign.NextAsync());

        using var signedOut = await SendAsync(gateway, "DELETE", "/session", ("Origin", Listed), cookie);
        Assert.Equal(HttpStatusCode.NoContent, signedOut.StatusCode);
        Assert.Equal(AccessRefusal.EventName, (await stream.NextAsync())?.Type);
        Assert.Null(await stream.NextAsync());

        await Eventually.Async(async () => (await ReadAsync(log)).Split('\n').Count(line => line.Contains("\"path\":\"/events\"", StringComparison.Ordinal)) == 2, TimeSpan.FromSeconds(10), "both streams to be logged");
        Assert.DoesNotContain(token, await ReadAsync(log), StringComparison.Ordinal);
        Assert.DoesNotContain(gateway.Logs, line => line.Contains(token, StringComparison.Ordinal));
    }

    protected override ValueTask DisposeOwnAsync()
    {
        _folder.Delete(recursive: true);
        return default;
    }

    private static async Task<string> ReadAsync(string file) => File.Exists(file) ? await File.ReadAllTextAsync(file, Cancellation) : "";

    private static async Task<HttpResponseMessage> SendAsync(GatewayHost gateway, string method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (method is "POST" or "PUT" or "PATCH")
        {
            request.Content = new StringContent("data");
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.Single() : null;
}
