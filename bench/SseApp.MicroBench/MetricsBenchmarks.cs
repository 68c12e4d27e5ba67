using System.Diagnostics.Metrics;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.MicroBench;

/// <summary>
/// What the metrics of a delivery cost where each event is a write of its own and a round of its own, which is the worst case: a busy
/// replica writes and counts several together. Nanoseconds times 20 000 a second is the share of a core.
/// </summary>
[MemoryDiagnoser]
public class MetricsBenchmarks
{
    private static readonly LogEntry s_entry = LogEntry.Parse("2 00000000000000ff 2 1700000000000000 1700000000000001\ndata: x\n\n"u8.ToArray())!;

    // They last as long as the process.
    private object?[] _kept = [];
    private EventsMetrics? _metrics;
    private DeliveryCounts? _counts;
    private long _publishedAt;

    /// <summary>Whether somebody exports the metrics, as the services always do.</summary>
    [Params(false, true)]
    public bool Exported { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var provider = Exported
            ? Sdk.CreateMeterProviderBuilder().AddMeter(MetricNames.Meter).AddView(MetricLabels.View).AddReader(new PeriodicExportingMetricReader(new Discard(), 1_000)).Build()
            : null;
        _metrics = new EventsMetrics(new SseMeter(services.GetRequiredService<IMeterFactory>()), TimeProvider.System);
        _kept = [services, provider];
        _counts = new DeliveryCounts(_metrics, new BacklogPool());
        _publishedAt = (TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() * 1_000) - 700;
    }

    [Benchmark]
    public void Delivery()
    {
        _counts!.Delivered(s_entry);
        _metrics!.Latency(_publishedAt);
        _counts.Report();
    }

    private sealed class Discard : BaseExporter<Metric>
    {
        public override ExportResult Export(in Batch<Metric> batch) => ExportResult.Success;
    }
}
