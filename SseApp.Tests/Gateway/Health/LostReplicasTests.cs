namespace SseApp.Tests.Gateway.Health;

/// <summary>When streams of a replica are given up, and when not; a frozen process is in the chaos tests.</summary>
public sealed class LostReplicasTests : GatewayTest
{
    [Fact]
    public async Task A_replica_that_lost_its_heartbeat_but_answers_keeps_its_streams()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync();
        using var client = await StreamClient.OpenAsync(gateway.Client);
        await client.ReadUntilAsync("\"replica\":\"r1\"");
        origin.Healthy = false;

        await Registry.RemoveAsync("r1", Cancellation);
        await UntilAsync(() => gateway.RoutedReplicas().Count == 0, "the replica to leave");
        var checks = origin.HealthChecks;
        await UntilAsync(() => origin.HealthChecks >= checks + 3, "the replica to be asked three times");

        origin.Send("data: still here\n\n");
        await client.ReadUntilAsync("still here");
    }
}
