using System.Diagnostics.Metrics;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Telemetry;

internal sealed class GatewayMetrics(SseMeter meter) : IAccessCounter, IHostedService
{
    /// <summary>An address that may not use the gateway.</summary>
    public const string AddressDenied = "address-denied";

    public const string BodyTooLarge = "body-too-large";

    private const string Reason = "reason";

    public Counter<long> Retries { get; } = meter.Meter.CreateCounter<long>(
        MetricNames.GatewayRetries, description: "Requests sent to another replica because one failed before its first byte.");

    public Counter<long> StreamsLost { get; } = meter.Meter.CreateCounter<long>(
        MetricNames.GatewayStreamsLost, description: "Streams that ended because their replica was gone.");

    public Counter<long> Refusals { get; } = meter.Meter.CreateCounter<long>(
        MetricNames.Refusals, description: "Requests that could not be served.");

    public Counter<long> RefusalsDelayed { get; } = meter.Meter.CreateCounter<long>(
        MetricNames.RefusalsDelayed, description: "Refusals that came late, because their client had many of them.");

    public Counter<long> Http2Frames { get; } = meter.Meter.CreateCounter<long>(
        MetricNames.Http2Frames, description: "Frames that clients sent over HTTP/2.");

    public void Refused(string reason) => Refusals.Add(1, new KeyValuePair<string, object?>(Reason, reason));

    /// <summary>Reasons that features above this one have are begun by them.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        Retries.Begin();
        StreamsLost.Begin();
        RefusalsDelayed.Begin();
        Http2Frames.Begin("type", FrameReader.Types);
        Begin([AddressDenied, BodyTooLarge, HostFilter.Unknown, .. AuthReason.All]);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Begin(IEnumerable<string> reasons) => Refusals.Begin(Reason, reasons);
}
