using System.Diagnostics.Metrics;

namespace SseApp.Gateway.Canary;

/// <summary>What the canary has found. They exist only where there is one.</summary>
internal sealed class CanaryMetrics
{
    private readonly Counter<long> _published;
    private readonly Counter<long> _failed;
    private readonly Counter<long> _received;
    private readonly Counter<long> _lost;
    private readonly Counter<long> _duplicated;
    private readonly Counter<long> _reordered;
    private readonly Counter<long> _gaps;
    private readonly Histogram<double> _latency;
    private volatile bool _isOpen;
    private volatile bool _isStoring;

    public CanaryMetrics(SseMeter holder)
    {
        var meter = holder.Meter;
        meter.CreateObservableGauge(MetricNames.ProbeUp, () => IsLive ? 1 : 0, description: "1 while the canary's stream is open and its last event was stored.");
        _published = meter.CreateCounter<long>(MetricNames.ProbePublished, description: "Events of the canary that were acknowledged.");
        _failed = meter.CreateCounter<long>(MetricNames.ProbeFailed, description: "Publishes of the canary that were not acknowledged.");
        _received = meter.CreateCounter<long>(MetricNames.ProbeReceived, description: "Events of the canary that arrived, each once.");
        _lost = meter.CreateCounter<long>(MetricNames.ProbeLost, description: "Events of the canary that were acknowledged and did not arrive in time.");
        _duplicated = meter.CreateCounter<long>(MetricNames.ProbeDuplicated, description: "Events of the canary that arrived again.");
        _reordered = meter.CreateCounter<long>(MetricNames.ProbeReordered, description: "Events of the canary that arrived after a later one.");
        _gaps = meter.CreateCounter<long>(MetricNames.ProbeGaps, description: "Gaps reported to the canary's stream.");
        _latency = meter.CreateHistogram(
            MetricNames.ProbeLatency,
            unit: "s",
            description: "From the beginning of the canary's publish to its event on the canary's stream, both through the gateway's own public address.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] });
    }

    /// <summary>Whether events can arrive: the stream is open, and the last publish was acknowledged.</summary>
    public bool IsLive => _isOpen && _isStoring;

    public void Begin()
    {
        foreach (var counter in (Counter<long>[])[_published, _failed, _received, _lost, _duplicated, _reordered, _gaps])
        {
            counter.Begin();
        }
    }

    public void Open(bool isOpen) => _isOpen = isOpen;

    public void Published(bool isStored)
    {
        _isStoring = isStored;
        (isStored ? _published : _failed).Add(1);
    }

    public void Received(CanaryArrival arrival, TimeSpan latency)
    {
        if (arrival is CanaryArrival.InOrder or CanaryArrival.Reordered)
        {
            _received.Add(1);
            _latency.Record(latency.TotalSeconds);
        }

        _reordered.Add(arrival == CanaryArrival.Reordered ? 1 : 0);
        _duplicated.Add(arrival == CanaryArrival.Duplicate ? 1 : 0);
    }

    public void Lost(int count) => _lost.Add(count);

    public void Gap() => _gaps.Add(1);
}
