namespace SseApp.Tests.Gateway.Balancing;

/// <summary>The default policy through real gateways.</summary>
public sealed class IpHashTests : GatewayTest
{
    private static readonly (string, string) s_byUser = ("Balancing:HashKey", "query:user");

    [Fact]
    public async Task Two_gateways_send_a_client_to_the_same_replica_and_again_when_it_reconnects()
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
    public async Task No_replica_gets_more_than_its_bound_of_three_hundred_clients_behind_one_address()
    {
        OriginHost[] origins = [await OriginAsync("r1"), await OriginAsync("r2"), await OriginAsync("r3")];
        var gateway = await GatewayAsync();

        using var streams = await OpenStreams.OpenAsync(Enumerable.Repeat(gateway.Client, 300));

        // One gateway counts its own streams exactly: 1.25 times 100, twice, and the rest.
        await UntilAsync(() => origins.Sum(origin => origin.OpenStreams) == 300, "300 streams on the replicas");
        Assert.Equal([50, 125, 125], origins.Select(origin => origin.OpenStreams).Order());
    }

    [Fact]
    public async Task Two_gateways_exceed_the_bound_by_no_more_than_one_of_them_places_between_two_reports()
    {
        const int Batch = 15;
        OriginHost[] origins = [await OriginAsync("r1"), await OriginAsync("r2"), await OriginAsync("r3")];
        // What they hear is what is announced here.
        (string, string)[] noPolls = [("ReplicaRegistry:HeartbeatInterval", "00:01:00"), ("ReplicaRegistry:Expiry", "00:05:00")];
        GatewayHost[] gateways = [await GatewayAsync(noPolls), await GatewayAsync(noPolls)];
        await UntilAsync(() => Registry.Watchers == gateways.Length, "both gateways to follow announcements");
        var opened = new List<OpenStreams>();
        for (var total = 0; total < 300;)
        {
            opened.Add(await OpenStreams.OpenAsync(Enumerable.Range(0, 2 * Batch).Select(i => gateways[i % 2].Client)));
            total += 2 * Batch;
            await UntilAsync(() => origins.Sum(origin => origin.OpenStreams) == total, $"{total} streams on the replicas");
            Assert.All(origins, origin => Assert.InRange(origin.OpenStreams, 0, (int)Math.Ceiling(1.25 * total / 3) + Batch));
            foreach (var origin in origins)
            {
                await Registry.WriteAsync(origin.Record, announce: true, Cancellation);
            }

            await UntilAsync(() => Array.TrueForAll(gateways, gateway => gateway.KnownConnections() == total), $"both gateways to hear of {total} streams");
        }

        opened.ForEach(streams => streams.Dispose());
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
