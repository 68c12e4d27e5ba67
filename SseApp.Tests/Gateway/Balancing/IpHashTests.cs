using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Gateway.Balancing;

/// <summary>The default policy through real gateways.</summary>
public sealed class IpHashTests : GatewayTest
{
    private static readonly (string, string) s_byUser = ("Balancing:HashKey", "query:user");

    [Fact]
    public async Task Two_gateways_send_a_client_to_the_same_replica_and_again_when_it_comes_back()
    {
        OriginHost[] origins = [await OriginAsync("r1"), await OriginAsync("r2"), await OriginAsync("r3")];
        // No bound: every choice is the hash's own, whatever else is open.
        GatewayHost[] gateways = [await GatewayAsync(s_byUser, ("Balancing:LoadFactor", "100")), await GatewayAsync(s_byUser, ("Balancing:LoadFactor", "100"))];

        var replicas = new HashSet<string>(StringComparer.Ordinal);
        for (var user = 0; user < 24; user++)
        {
            var first = await ServedByAsync(gateways[0], user);
            Assert.Equal(first, await ServedByAsync(gateways[1], user));
            Assert.Equal(first, await ServedByAsync(gateways[0], user));
            replicas.Add(first);
        }

        Assert.Equal(origins.Length, replicas.Count);
    }

    [Fact]
    public async Task Three_hundred_clients_behind_one_address_do_not_overload_a_replica_on_either_gateway()
    {
        OriginHost[] origins = [await OriginAsync("r1"), await OriginAsync("r2"), await OriginAsync("r3")];
        GatewayHost[] gateways = [await GatewayAsync(), await GatewayAsync()];
        await using var reports = new ReplicaReports(Registry, origins);

        using var streams = await OpenStreams.OpenAsync(Enumerable.Range(0, 300).Select(i => gateways[i % 2].Client));

        // 125 for gateways that know of each other; what the other one places is unknown until the next report, so the bound
        // holds for the streams of a moment ago. Without it all 300 would be on one replica.
        await UntilAsync(() => origins.Sum(origin => origin.OpenStreams) == 300, "300 streams on the replicas");
        Assert.All(origins, origin => Assert.InRange(origin.OpenStreams, 15, 180));
    }

    [Fact]
    public async Task When_a_replica_leaves_only_its_own_clients_move()
    {
        var leaving = await OriginAsync("r1");
        await OriginAsync("r2");
        await OriginAsync("r3");
        var gateway = await GatewayAsync(s_byUser, ("Balancing:LoadFactor", "100"));
        var before = await ServedAsync(gateway);

        await Registry.RemoveAsync(leaving.Id, Cancellation);
        await UntilAsync(() => gateway.RoutedReplicas().Count == 2, "r1 to leave");

        var after = await ServedAsync(gateway);
        Assert.All(before.Zip(after), pair => Assert.True(
            string.Equals(pair.First, pair.Second, StringComparison.Ordinal) || string.Equals(pair.First, "r1", StringComparison.Ordinal),
            $"A client of {pair.First} moved to {pair.Second}."));
        Assert.Contains("r1", before);
    }

    [Fact]
    public async Task One_busy_publisher_is_spread_over_the_replicas()
    {
        await OriginAsync("r1");
        await OriginAsync("r2");
        var gateway = await GatewayAsync();
        var served = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 6; i++)
        {
            using var content = new StringContent("data");
            using var response = await gateway.Client.PostAsync("/topics/a/events", content, Cancellation);
            served.Add(await response.Content.ReadAsStringAsync(Cancellation));
        }

        Assert.Equal(2, served.Count);
    }

    private static async Task<List<string>> ServedAsync(GatewayHost gateway)
    {
        var served = new List<string>();
        for (var user = 0; user < 30; user++)
        {
            served.Add(await ServedByAsync(gateway, user));
        }

        return served;
    }

    private static async Task<string> ServedByAsync(GatewayHost gateway, int user)
    {
        using var client = await StreamClient.OpenAsync(gateway.Client, $"/events?topic=a&user={user}");
        var text = await client.ReadUntilAsync("\n\n");
        return text[text.IndexOf("\"replica\":\"", StringComparison.Ordinal)..].Split('"')[3];
    }
}
