namespace SseApp.Tests.Gateway.Balancing;

public sealed class BackupTests : GatewayTest
{
    private static readonly (string, string)[] s_slowChecks = [("ReplicaHealth:Interval", "00:10:00"), ("ReplicaHealth:FailTimeout", "00:10:00")];

    [Fact]
    public async Task A_backup_gets_requests_only_while_no_primary_is_there()
    {
        await OriginAsync("p1");
        var backup = await OriginAsync("b1", record => record with { Backup = true });
        var gateway = await GatewayAsync();
        for (var i = 0; i < 6; i++)
        {
            Assert.Equal("p1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));
        }

        await Registry.RemoveAsync("p1", Cancellation);
        await UntilAsync(() => gateway.RoutedReplicas().Count == 1, "p1 to leave");
        Assert.Equal("b1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));

        await OriginAsync("p2");
        await UntilAsync(() => gateway.RoutedReplicas().Count == 2, "p2 to come");
        Assert.Equal("p2", await gateway.Client.GetStringAsync("/topics/a", Cancellation));
        Assert.Single(backup.Requests);
    }

    [Fact]
    public async Task A_request_that_the_last_primary_fails_is_served_by_the_backup_at_once()
    {
        var dead = await OriginAsync("p1");
        await OriginAsync("b1", record => record with { Backup = true });
        var gateway = await GatewayAsync(s_slowChecks);
        await dead.KillAsync();

        Assert.Equal("b1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));
        using var client = await StreamClient.OpenAsync(gateway.Client);
        await client.ReadUntilAsync("\"replica\":\"b1\"");
    }

    [Fact]
    public async Task A_replicas_own_max_fails_count_before_the_gateways()
    {
        // Never taken out, whatever it fails; each request finds that out anew.
        var dead = await OriginAsync("r1", record => record with { MaxFails = 0 });
        await OriginAsync("r2");
        var gateway = await GatewayAsync([.. s_slowChecks, ("Balancing:Policy", "WeightedRoundRobin")]);
        using var retries = new MetricProbe(gateway, "sse_gateway_retries_total");
        await dead.KillAsync();

        for (var i = 0; i < 8; i++)
        {
            Assert.Equal("r2", await gateway.Client.GetStringAsync("/topics/a", Cancellation));
        }

        Assert.Equal(4, retries.Sum);
    }
}
