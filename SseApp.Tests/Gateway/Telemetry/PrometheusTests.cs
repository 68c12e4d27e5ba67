namespace SseApp.Tests.Gateway.Telemetry;

public sealed class PrometheusTests : GatewayTest
{
    [Fact]
    public async Task Prometheus_sees_streams_by_replica_and_replicas_by_state()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync();
        using var client = await StreamClient.OpenAsync(gateway.Client);
        await client.ReadUntilAsync("stream.open");

        var text = await gateway.Admin.GetStringAsync("/metrics", Cancellation);

        Assert.Matches("(?m)^sse_gateway_active_streams\\{[^}]*replica=\"r1\"[^}]*\\} 1( |$)", text);
        Assert.Matches("(?m)^sse_gateway_replicas\\{[^}]*state=\"ready\"[^}]*\\} 1( |$)", text);
        Assert.Matches("(?m)^sse_gateway_replicas\\{[^}]*state=\"draining\"[^}]*\\} 0( |$)", text);
    }
}
