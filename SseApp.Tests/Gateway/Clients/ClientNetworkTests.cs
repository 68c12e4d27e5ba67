namespace SseApp.Tests.Gateway.Clients;

public sealed class ClientNetworkTests : GatewayTest
{
    [Fact]
    public async Task A_client_that_changes_its_address_within_its_IPv6_network_stays_on_its_replica()
    {
        OriginHost[] replicas = [await OriginAsync("r1"), await OriginAsync("r2"), await OriginAsync("r3")];
        var gateway = await GatewayAsync(("Proxies:Known:0", "127.0.0.1"), ("Balancing:LoadFactor", "100"));

        for (var i = 1; i <= 12; i++)
        {
            await OpenAsync($"2001:db8:0:1::{i:x}");
        }

        Assert.Equal([0, 0, 12], replicas.Select(replica => replica.Requests.Count).Order());
        for (var i = 1; i <= 12; i++)
        {
            await OpenAsync($"2001:db8:1:{i:x}::1");
        }

        Assert.DoesNotContain(replicas, replica => replica.Requests.IsEmpty);

        async Task OpenAsync(string address)
        {
            using var client = await StreamClient.OpenAsync(gateway.Client, headers: ("X-Forwarded-For", address));
            await client.ReadUntilAsync("stream.open");
        }
    }
}
