using System.Diagnostics.Metrics;

namespace SseApp.Gateway.Telemetry;

internal sealed class GatewayMetrics(SseMeter meter)
{
    public Counter<long> Retries { get; } = meter.Meter.CreateCounter<long>(
        MetricNames.GatewayRetries, description: "Requests sent to another replica because one failed before its first byte.");

    public Counter<long> Refusals { get; } = meter.Meter.CreateCounter<long>(
        MetricNames.Refusals, description: "Requests that could not be served.");
}
