using System.Diagnostics.Metrics;
using SseApp.Gateway.Replicas;

namespace SseApp.Gateway.Balancing;

/// <summary>The gauges of the replicas; as long as it lives they are measured.</summary>
internal sealed class ReplicaGauges
{
    public ReplicaGauges(SseMeter meter, LoadLedger ledger, ReplicaDirectory directory)
    {
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

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
