using System.Diagnostics.Metrics;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Gateway.Telemetry;

internal sealed class GatewayMetrics(SseMeter meter) : IAccessCounter
{
    public Counter<long> Retries { get; } = meter.Meter.CreateCounter<long>(
        MetricNames.GatewayRetries, description: "Requests sent to another replica because one failed before its first byte.");

    public Counter<long> Refusals { get; } = meter.Meter.CreateCounter<long>(
        MetricNames.Refusals, description: "Requests that could not be served.");

    public Counter<long> Http2Frames { get; } = meter.Meter.CreateCounter<long>(
        MetricNames.Http2Frames, description: "Frames that clients sent over HTTP/2.");

    public void Refused(string reason) => Refusals.Add(1, new KeyValuePair<string, object?>("reason", reason));
}
