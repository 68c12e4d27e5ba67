namespace SseApp.Tests.Gateway.Limits;

/// <summary>Whom a limit counts where clients have credentials.</summary>
public sealed class PrincipalLimitTests : GatewayTest
{
    private static readonly (string, string)[] s_settings = [.. Tokens.Settings, ("Proxies:Known:0", "127.0.0.1")];

    private static readonly string s_alice = Tokens.Make(["*"]);

    [Theory]
    [InlineData("Limits:StreamsPerAddress", "address-streams")]
    [InlineData("Limits:TopicsPerAddress", "topics")]
    [InlineData("Limits:ConnectsPerSecond", "connect-rate")]
    public async Task A_principal_has_its_streams_wherever_it_comes_from_and_leaves_others_theirs(string limit, string reason)
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(new FakeTimeProvider(TimeProvider.System.GetUtcNow()), [.. s_settings, (limit, "1"), ("Limits:ConnectBurst", "1")]);
        var (alice, bob, other) = (Token("alice", "phone"), Token("bob", "phone"), Token("alice", "tablet"));
        using var first = await OpenAsync(gateway, "192.0.2.1", Bearer(alice), "a");
        using var neighbour = await OpenAsync(gateway, "192.0.2.1", Bearer(bob), "a");
        using var stranger = await OpenAsync(gateway, "192.0.2.1", null, "a");
        // Another token and another address of the same user, and the same in the cookie.
        Assert.Equal(reason, await RefusedAsync(gateway, "192.0.2.2", Bearer(other), "b"));
        Assert.Equal(reason, await RefusedAsync(gateway, "192.0.2.3", ("Cookie", $"__Host-sse_token={alice}"), "b"));
        // What is not valid counts for the address, so it takes nothing from whom it names, and is no way around the limit.
        Assert.Equal(reason, await RefusedAsync(gateway, "192.0.2.1", Bearer(alice + "x"), "b"));
        Assert.Equal(reason, await RefusedAsync(gateway, "192.0.2.1", Bearer("y"), "b"));
        using var elsewhere = await OpenAsync(gateway, "192.0.2.4", Bearer(alice + "x"), "a");
    }

    [Fact]
    public async Task Publishes_and_reads_count_by_principal_and_a_client_with_a_name_by_that()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(
        [
            .. s_settings, ("Limits:EventsPerSecond", "1"), ("Limits:EventBurst", "1"), ("Limits:ReadsPerSecond", "1"), ("Limits:PublishClient", "Credential"),
            ("Limits:Clients:0:Name", "shop"), ("Limits:Clients:0:Addresses", "198.51.100.0/24"), ("Limits:Clients:0:EventsPerSecond", "0"), ("Limits:Clients:0:ReadsPerSecond", "0"),
        ]);
        var bob = Tokens.Make(["*"], sub: "bob");
        foreach (var (method, path) in new[] { (HttpMethod.Post, "/publish"), (HttpMethod.Get, "/topics/a") })
        {
            Assert.Equal(HttpStatusCode.OK, await SendAsync(gateway, method, path, "192.0.2.1", s_alice));
            Assert.Equal(HttpStatusCode.OK, await SendAsync(gateway, method, path, "192.0.2.1", bob));
            Assert.Equal(HttpStatusCode.TooManyRequests, await SendAsync(gateway, method, path, "192.0.2.9", s_alice));
            Assert.Equal(HttpStatusCode.OK, await SendAsync(gateway, method, path, "192.0.2.1", "one that is not valid"));
            Assert.Equal(HttpStatusCode.TooManyRequests, await SendAsync(gateway, method, path, "192.0.2.1", "another one"));
            for (var i = 0; i < 4; i++)
            {
                Assert.Equal(HttpStatusCode.OK, await SendAsync(gateway, method, path, "198.51.100.7", s_alice));
            }
        }
    }

    private static string Token(string sub, string device) => Tokens.Make(["*"], sub: sub, change: claims => claims["jti"] = device);

    private static (string, string) Bearer(string token) => ("Authorization", $"Bearer {token}");

    private static async Task<StreamClient> OpenAsync(GatewayHost gateway, string address, (string, string)? credential, string topic)
    {
        var client = await StreamClient.OpenAsync(gateway.Client, $"/events?topic={topic}", headers: credential is { } sent ? [("X-Forwarded-For", address), sent] : [("X-Forwarded-For", address)]);
        await client.ReadUntilAsync("stream.open");
        return client;
    }

    private static async Task<string?> RefusedAsync(GatewayHost gateway, string address, (string, string) credential, string topic)
    {
        using var client = await StreamClient.OpenAsync(gateway.Client, $"/events?topic={topic}", "*/*", ("X-Forwarded-For", address), credential);
        Assert.Equal(HttpStatusCode.TooManyRequests, client.Response.StatusCode);
        using var body = JsonDocument.Parse(await client.ReadToEndAsync());
        return body.RootElement.GetProperty("reason").GetString();
    }

    private static async Task<HttpStatusCode> SendAsync(GatewayHost gateway, HttpMethod method, string path, string address, string token)
    {
        using var answer = await gateway.Client.SendAsync(method, path, ("X-Forwarded-For", address), Bearer(token));
        return answer.StatusCode;
    }
}
