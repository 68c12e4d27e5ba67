using SseApp.Events.FanOut;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Tests.Hostile;

/// <summary>
/// What a stranger says of himself in the headers of proxies, gateways and replicas changes neither address nor host nor scheme, no
/// count, and no placement, at the gateway and at a replica that he reaches.
/// </summary>
public sealed class SpoofedHeaderTests(RedisServer redis) : HostileTest(redis)
{
    private static (string Name, string Value)[] Claims(int number) =>
    [
        ("X-Forwarded-For", $"198.51.100.{number}, 127.0.0.{number}"), ("X-Real-IP", $"198.51.100.{number}"), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Prefix", "/admin"), ("X-Forwarded-Port", "443"), ("X-Original-For", "198.51.100.1"), ("X-Original-Host", "evil.example"), ("X-Original-Proto", "https"),
        ("X-Original-URL", "/admin/connections"), ("X-Rewrite-URL", "/admin/connections"), ("X-HTTP-Method-Override", "DELETE"), ("X-Client-IP", "198.51.100.1"),
        ("True-Client-IP", "198.51.100.1"), ("CF-Connecting-IP", "198.51.100.1"), ("Forwarded", $"for=198.51.100.{number};host=evil.example;proto=https;by=127.0.0.1"),
        ("Via", "1.1 gateway"), ("Stream-Placement", "1234 1.25"), ("Stream-Refused", "draining"), ("Publish-Stored", "1000, 1000000"), ("X-Sse-Client", "gateway"), ("X-Sse-Relay", "1"),
    ];

    [Fact]
    public async Task At_the_gateway_a_stranger_stays_who_he_is()
    {
        var site = await BeginAsync(("Limits:StreamsPerAddress", "3"), ("Limits:EventsPerSecond", "1"), ("Limits:EventBurst", "5"), ("Access:Deny:0", "198.51.100.0/24"));
        var opened = new List<HttpResponseMessage>();
        for (var number = 1; number <= 2; number++)
        {
            using var request = Request(HttpMethod.Get, "/events?topic=a", Claims(number), ("Accept", "text/event-stream"));
            opened.Add(await site.Gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation));
            Assert.Equal(HttpStatusCode.OK, opened[^1].StatusCode);
        }

        // The address has had all its streams, with that of the ordinary client.
        using (var request = Request(HttpMethod.Get, "/events?topic=a", Claims(3), ("Accept", "text/event-stream")))
        using (var answer = await site.Gateway.Client.SendAsync(request, Cancellation))
        {
            Assert.Contains("\"address-streams\"", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }

        Assert.Equal(1, site.Refusals("address-streams"));
        var connections = await site.Replica.Operator.GetFromJsonAsync<JsonElement>("/admin/connections", Cancellation);
        Assert.All(connections.EnumerateArray(), connection => Assert.Equal("127.0.0.1", connection.GetProperty("client").GetString()));
        Assert.Equal(3, connections.GetArrayLength());

        await site.AssertGoesOnAsync();
        var statuses = new List<int>();
        for (var number = 1; number <= 6; number++)
        {
            using var request = Request(HttpMethod.Post, "/topics/a/events", Claims(number));
            request.Content = new StringContent("x");
            using var answer = await site.Gateway.Client.SendAsync(request, Cancellation);
            statuses.Add((int)answer.StatusCode);
            Assert.False(answer.Headers.Contains("Publish-Stored"), "What is between gateway and replica reached a client.");
        }

        Assert.Contains(429, statuses);
        Assert.True(site.Refusals("publish-rate") >= 1, "The refusal was not counted.");

        // No operator, no other method, no other host.
        opened.ForEach(answer => answer.Dispose());
        using var topic = await site.Gateway.Client.SendAsync(HttpMethod.Get, "/topics/a", Claims(9));
        Assert.Equal(HttpStatusCode.OK, topic.StatusCode);
        Assert.DoesNotContain("evil", topic.Headers.ToString(), StringComparison.Ordinal);
        using var admin = await site.Gateway.Client.SendAsync(HttpMethod.Get, "/admin/connections", Claims(9));
        Assert.Equal(HttpStatusCode.NotFound, admin.StatusCode);
        using var foreign = await site.Gateway.Client.SendAsync(HttpMethod.Get, "/topics/a", [.. Claims(9), ("Host", "evil.example"), ("X-Forwarded-Host", "localhost")]);
        Assert.Equal(HttpStatusCode.BadRequest, foreign.StatusCode);
    }

    [Fact]
    public async Task At_a_replica_a_stranger_is_no_gateway()
    {
        var site = await BeginAsync();
        using var forged = site.Replica.Collect("sse_forged_total");
        using var request = Request(HttpMethod.Get, "/events?topic=a", Claims(1), ("Accept", "text/event-stream"));
        using var stream = await site.Replica.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.Equal(HttpStatusCode.OK, stream.StatusCode);

        var connections = await site.Replica.Operator.GetFromJsonAsync<JsonElement>("/admin/connections", Cancellation);
        Assert.All(connections.EnumerateArray(), connection => Assert.Equal("127.0.0.1", connection.GetProperty("client").GetString()));
        var keys = await Task.WhenAll(site.Replica.Get<ShardSet>().All.Select(shard => shard.InspectAsync(streams => streams.Select(open => open.PlacementKey).ToList())));
        Assert.Contains(SheddingPlan.KeyOf(null), keys.SelectMany(all => all));
        using var admin = await site.Replica.Client.SendAsync(HttpMethod.Get, "/admin/connections", Claims(1));
        Assert.Equal(HttpStatusCode.NotFound, admin.StatusCode);

        foreach (var signature in (string[])["x", "", "c 0 0 0", new string('A', 5_000)])
        {
            using var signed = await site.Replica.Client.SendAsync(HttpMethod.Get, "/topics/a", [.. Claims(1), (RequestSignature.Header, signature)]);
            Assert.Equal(HttpStatusCode.Forbidden, signed.StatusCode);
            using var relay = await site.Replica.Client.SendAsync(
                HttpMethod.Get, "/relay", [("Connection", "Upgrade"), ("Upgrade", "sse-relay"), (RequestSignature.Header, signature)]);
            Assert.InRange((int)relay.StatusCode, 400, 499);
        }

        Assert.True(forged.GetMeasurementSnapshot().Sum(measured => measured.Value) >= 4, "Forged signatures were not counted.");
        await site.AssertGoesOnAsync();
    }

    private static HttpRequestMessage Request(HttpMethod method, string path, (string Name, string Value)[] claims, params (string Name, string Value)[] more)
    {
        var request = new HttpRequestMessage(method, path);
        foreach (var (name, value) in claims.Concat(more))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }
}
