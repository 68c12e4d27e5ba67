using SseApp.Events.FanOut;
using SseApp.Events.Replicas;
using SseApp.ServiceDefaults.Cluster.Placement;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Tests.Events.Http;

/// <summary>What a replica believes of requests that reach it.</summary>
public sealed class GatewayRequestTests(RedisServer redis) : IClassFixture<RedisServer>
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whom_a_request_is_for_and_where_it_belongs_is_believed_only_of_a_gateway(bool fromGateway)
    {
        await using var host = await EventsHost.StartAsync(redis);
        using var client = new HttpClient(fromGateway ? new ClusterKey.Handler(Id(host), RequestPurpose.Client) : new SocketsHttpHandler()) { BaseAddress = host.Address };
        var placement = new StreamPlacement(0x1234, 1.25);
        client.DefaultRequestHeaders.Add("X-Real-IP", "8.8.8.8");
        client.DefaultRequestHeaders.Add("X-Forwarded-For", "8.8.8.8");
        client.DefaultRequestHeaders.Add("Stream-Placement", placement.ToString());
        await using var reader = await SseReader.OpenAsync(client, "/events?topic=a");
        await reader.OpenedAsync();

        var connection = Assert.Single((await host.Operator.GetFromJsonAsync<JsonElement>("/admin/connections", TestContext.Current.CancellationToken)).EnumerateArray());
        var keys = await Task.WhenAll(host.Get<ShardSet>().All.Select(shard => shard.InspectAsync(streams => streams.Select(stream => stream.PlacementKey).ToList())));

        Assert.Equal(fromGateway ? "8.8.8.8" : "127.0.0.1", connection.GetProperty("client").GetString());
        Assert.Equal(SheddingPlan.KeyOf(fromGateway ? placement : null), Assert.Single(keys.SelectMany(all => all)));
    }

    [Fact]
    public async Task A_signed_request_is_good_once_at_one_replica_and_for_its_own_query()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var other = await EventsHost.StartAsync(redis, host.Prefix);
        using var forged = host.Collect("sse_forged_total");
        var header = ClusterKey.Requests.Sign("GET", "/admin/topics?limit=1", Id(host), RequestPurpose.Operator);

        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(other, "/admin/topics?limit=1", header));
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(host, "/admin/topics?limit=1000", header));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(host, "/admin/topics?limit=1", header));
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(host, "/admin/topics?limit=1", header));

        // No signature opens nothing, and closes nothing else.
        Assert.Equal(HttpStatusCode.NotFound, await GetAsync(host, "/admin/topics?limit=1"));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(host, "/topics/a"));
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(host, "/topics/a", "nonsense"));
        var counted = forged.GetMeasurementSnapshot().Where(measured => measured.Value > 0).ToArray();
        Assert.Equal(3, counted.Length);
        Assert.All(counted, measured => Assert.Equal("request", measured.Tags["kind"]));
    }

    [Fact]
    public async Task A_connection_is_worth_no_more_than_each_of_its_requests()
    {
        // What stands between gateways and replicas may send others' requests over the connections that it keeps.
        await using var host = await EventsHost.StartAsync(redis);
        const string Asked = "/admin/topics?limit=1";
        var connections = 0;
        using var kept = Connection();
        using var another = Connection();
        var header = ClusterKey.Requests.Sign("GET", Asked, Id(host), RequestPurpose.Operator);
        var strange = new RequestSignature(new GatewayKeys(new byte[32]), TimeProvider.System).Sign("GET", Asked, Id(host), RequestPurpose.Operator);

        Assert.Equal(HttpStatusCode.OK, await AskAsync(kept, header));
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(kept, null));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(kept, strange));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(another, header));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(kept, header));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(kept, ClusterKey.Requests.Sign("GET", Asked, Id(host), RequestPurpose.Operator)));
        Assert.Equal(2, connections);

        HttpClient Connection() => new(new SocketsHttpHandler
        {
            MaxConnectionsPerServer = 1,
            PlaintextStreamFilter = (context, _) =>
            {
                Interlocked.Increment(ref connections);
                return ValueTask.FromResult(context.PlaintextStream);
            },
        })
        { BaseAddress = host.Address };

        static async Task<HttpStatusCode> AskAsync(HttpClient client, string? signature)
        {
            using var answer = await client.SendAsync(HttpMethod.Get, Asked, signature is null ? [] : [(RequestSignature.Header, signature)]);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task What_a_gateway_forwards_for_a_client_is_no_operators()
    {
        await using var host = await EventsHost.StartAsync(redis);
        using var client = new HttpClient(new ClusterKey.Handler(Id(host), RequestPurpose.Client)) { BaseAddress = host.Address };
        using var published = await host.PublishAsync("kept", "1");

        using var deleted = await client.DeleteAsync("/topics/kept", TestContext.Current.CancellationToken);
        using var listed = await client.GetAsync("/admin/connections", TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (deleted.StatusCode, listed.StatusCode));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(host, "/topics/kept"));
    }

    [Fact]
    public async Task What_is_for_a_replica_that_was_here_before_is_asked_again_and_no_attack()
    {
        await using var host = await EventsHost.StartAsync(redis);
        using var forged = host.Collect("sse_forged_total");
        using var client = new HttpClient(new ClusterKey.Handler("former", RequestPurpose.Client)) { BaseAddress = host.Address };
        using var content = new StringContent("1");

        using var stream = await client.GetAsync("/events?topic=a", TestContext.Current.CancellationToken);
        using var publish = await client.PostAsync("/topics/a/events", content, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable), (stream.StatusCode, publish.StatusCode));
        Assert.Equal("misdirected", Assert.Single(stream.Headers.GetValues("Stream-Refused")));
        Assert.Equal("not-stored", (await publish.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("outcome").GetString());
        Assert.DoesNotContain(forged.GetMeasurementSnapshot(), measured => measured.Value > 0);
    }

    private static string Id(EventsHost host) => host.Get<ReplicaIdentity>().Id;

    private static async Task<HttpStatusCode> GetAsync(EventsHost host, string target, string? signature = null)
    {
        using var answer = await host.Client.SendAsync(HttpMethod.Get, target, signature is null ? [] : [(RequestSignature.Header, signature)]);
        return answer.StatusCode;
    }
}
