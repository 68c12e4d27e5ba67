namespace SseApp.Tests.Gateway.Routing;

public sealed class StaticClusterTests : GatewayTest
{
    [Fact]
    public async Task Services_from_configuration_stand_beside_the_replicas()
    {
        await OriginAsync("r1");
        var shop = Own(await OriginHost.StartAsync("shop"));
        var gateway = await GatewayAsync([.. Route, ("ReverseProxy:Clusters:shop:LoadBalancingPolicy", "LeastConnections"), .. Destination(shop)]);

        Assert.Equal("shop", await gateway.Client.GetStringAsync("/shop/basket", Cancellation));
        Assert.Equal("r1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));
    }

    [Fact]
    public async Task A_service_from_configuration_that_is_down_is_refused_like_a_replica()
    {
        var shop = Own(await OriginHost.StartAsync("shop"));
        var gateway = await GatewayAsync([.. Route, .. Destination(shop)]);
        await shop.KillAsync();

        using var client = await StreamClient.OpenAsync(gateway.Client, "/shop/live");

        Assert.Contains("event: stream.unavailable", System.Text.Encoding.UTF8.GetString(await client.ReadToEndAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Weight_backup_and_max_fails_of_a_service_come_from_its_metadata()
    {
        var heavy = Own(await OriginHost.StartAsync("heavy"));
        var light = Own(await OriginHost.StartAsync("light"));
        var backup = Own(await OriginHost.StartAsync("backup"));
        var gateway = await GatewayAsync(
        [
            .. Route,
            ("ReverseProxy:Clusters:shop:LoadBalancingPolicy", "WeightedRoundRobin"),
            .. Destination(heavy, ("weight", "3"), ("max_fails", "1"), ("fail_timeout", "1h")),
            .. Destination(light, ("max_fails", "1"), ("fail_timeout", "1h")),
            .. Destination(backup, ("backup", "true")),
        ]);

        for (var i = 0; i < 8; i++)
        {
            await gateway.Client.GetStringAsync("/shop/basket", Cancellation);
        }

        Assert.Equal((6, 2, 0), (heavy.Requests.Count, light.Requests.Count, backup.Requests.Count));
        await heavy.KillAsync();
        await light.KillAsync();
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal("backup", await gateway.Client.GetStringAsync("/shop/basket", Cancellation));
        }
    }

    [Fact]
    public async Task A_service_under_IpHash_keeps_its_client_for_ordinary_requests_too()
    {
        OriginHost[] origins = [Own(await OriginHost.StartAsync("one")), Own(await OriginHost.StartAsync("two")), Own(await OriginHost.StartAsync("three"))];
        var gateway = await GatewayAsync(
        [
            .. Route,
            ("ReverseProxy:Clusters:shop:LoadBalancingPolicy", "IpHash"),
            ("Balancing:HashKey", "cookie:session"),
            .. origins.SelectMany(origin => Destination(origin)),
        ]);
        var used = new HashSet<string>(StringComparer.Ordinal);
        for (var session = 0; session < 12; session++)
        {
            var served = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => BasketAsync(gateway, session)));
            used.Add(Assert.Single(served.Distinct(StringComparer.Ordinal)));
        }

        Assert.Equal(3, used.Count);
    }

    [Fact]
    public async Task Metadata_that_means_nothing_stops_the_start_and_is_named()
    {
        var shop = Own(await OriginHost.StartAsync("shop"));
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => GatewayAsync([.. Route, .. Destination(shop, ("weight", "much"))]));
        Assert.Contains(
            "Metadata of destination 'shop' of cluster 'shop': weight is 'much'; it must be a whole number from 1 to 1000.", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_that_is_not_valid_is_reported_and_left_out_and_replicas_are_routed_to_all_the_same()
    {
        await OriginAsync("r1");
        var (shop, other) = (Own(await OriginHost.StartAsync("shop")), Own(await OriginHost.StartAsync("other")));
        var gateway = await GatewayAsync([.. Route, .. Destination(shop)]);
        var configuration = (IConfigurationRoot)gateway.Get<IConfiguration>();
        Change("Metadata:weight", "much");
        await UntilAsync(
            () => gateway.Logs.Any(log => log.StartsWith("The change of section ReverseProxy is invalid", StringComparison.Ordinal)), "the fault to be reported");

        await OriginAsync("r2");

        await UntilAsync(() => gateway.RoutedReplicas().SequenceEqual(["r1", "r2"]), "the new replica to be routed to");
        Assert.Equal("shop", await gateway.Client.GetStringAsync("/shop/basket", Cancellation));
        Change("Metadata:weight", "2");
        Change("Address", other.Address.AbsoluteUri);
        await Eventually.Async(
            async () => await gateway.Client.GetStringAsync("/shop/basket", Cancellation) == "other", TimeSpan.FromSeconds(10), "the next change, which is valid, to count");

        void Change(string key, string value)
        {
            configuration[$"ReverseProxy:Clusters:shop:Destinations:{shop.Id}:{key}"] = value;
            configuration.Reload();
        }
    }

    private static (string, string)[] Route =>
    [
        ("ReverseProxy:Routes:shop:ClusterId", "shop"),
        ("ReverseProxy:Routes:shop:Match:Path", "/shop/{**rest}"),
    ];

    private static IEnumerable<(string, string)> Destination(OriginHost origin, params (string Key, string Value)[] metadata) =>
    [
        ($"ReverseProxy:Clusters:shop:Destinations:{origin.Id}:Address", origin.Address.AbsoluteUri),
        .. metadata.Select(entry => ($"ReverseProxy:Clusters:shop:Destinations:{origin.Id}:Metadata:{entry.Key}", entry.Value)),
    ];

    private static async Task<string> BasketAsync(GatewayHost gateway, int session)
    {
        using var response = await gateway.Client.SendAsync(HttpMethod.Get, "/shop/basket", ("Cookie", $"session=s{session}"));
        return await response.Content.ReadAsStringAsync(Cancellation);
    }
}
