using System.Diagnostics.Metrics;
using SseApp.Gateway.Balancing;
using SseApp.Gateway.Routing;
using SseApp.ServiceDefaults.Replicas;
using SseApp.ServiceDefaults.Telemetry;

namespace SseApp.Gateway.Telemetry;

internal sealed class GatewayMetrics
{
    public GatewayMetrics(SseMeter meter, LoadLedger ledger, ReplicaDirectory directory)
    {
        Retries = meter.Meter.CreateCounter<long>(
            MetricNames.GatewayRetries, description: "Requests sent to another replica because one failed before its first byte.");
        Refusals = meter.Meter.CreateCounter<long>(
            MetricNames.Refusals, description: "Requests that could not be served.");
        meter.Meter.CreateObservableGauge(
            MetricNames.GatewayActiveStreams,
            () => ledger.Streams().Select(streams => new Measurement<int>(streams.Value, Tag("replica", streams.Key))),
            description: "Streams that this gateway forwards now.");
        meter.Meter.CreateObservableGauge(
            MetricNames.GatewayReplicas,
            () => Enum.GetValues<ReplicaState>().Select(state => new Measurement<int>(
                directory.Replicas.Count(replica => replica.State == state), Tag("state", state.ToString().ToLowerInvariant()))),
            description: "Replicas in the registry.");
    }

    public Counter<long> Retries { get; }

    public Counter<long> Refusals { get; }

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
