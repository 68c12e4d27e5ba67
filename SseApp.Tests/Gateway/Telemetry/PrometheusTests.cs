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

    /// <summary>Else <c>rate</c> and <c>increase</c> miss the first that is counted.</summary>
    [Fact]
    public async Task Every_counter_is_there_at_0_before_anything_was_counted()
    {
        var gateway = await GatewayAsync();

        var text = await gateway.Admin.GetStringAsync("/metrics", Cancellation);

        Assert.All(
            ["sse_gateway_retries_total", "sse_gateway_streams_lost_total", "sse_http2_frames_total", "sse_refusals_total", "sse_forged_total", "sse_connections_refused_total"],
            name => Assert.Matches($"(?m)^{name}(\\{{[^}}]*\\}})? 0( |$)", text));
        Assert.All(["no-replica", "publish-rate", "address-denied", "unknown-host", "token-revoked"], reason => Assert.Matches($"(?m)^sse_refusals_total\\{{[^}}]*reason=\"{reason}\"[^}}]*\\}} 0( |$)", text));
    }
}
