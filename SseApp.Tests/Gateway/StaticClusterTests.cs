using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Gateway;

public sealed class StaticClusterTests : GatewayTest
{
    [Fact]
    public async Task Services_from_configuration_stand_beside_the_replicas()
    {
        await OriginAsync("r1");
        var shop = Own(await OriginHost.StartAsync("shop"));
        var gateway = await GatewayAsync(
            ("ReverseProxy:Routes:shop:ClusterId", "shop"),
            ("ReverseProxy:Routes:shop:Match:Path", "/shop/{**rest}"),
            ("ReverseProxy:Clusters:shop:LoadBalancingPolicy", "LeastConnections"),
            ("ReverseProxy:Clusters:shop:Destinations:one:Address", shop.Address.AbsoluteUri));

        Assert.Equal("shop", await gateway.Client.GetStringAsync("/shop/basket", Cancellation));
        Assert.Equal("r1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));
    }

    [Fact]
    public async Task A_service_from_configuration_that_is_down_is_refused_like_a_replica()
    {
        var shop = Own(await OriginHost.StartAsync("shop"));
        var gateway = await GatewayAsync(
            ("ReverseProxy:Routes:shop:ClusterId", "shop"),
            ("ReverseProxy:Routes:shop:Match:Path", "/shop/{**rest}"),
            ("ReverseProxy:Clusters:shop:Destinations:one:Address", shop.Address.AbsoluteUri));
        await shop.KillAsync();

        using var client = await StreamClient.OpenAsync(gateway.Client, "/shop/live");

        Assert.Contains("event: stream.unavailable", System.Text.Encoding.UTF8.GetString(await client.ReadToEndAsync()), StringComparison.Ordinal);
    }
}
