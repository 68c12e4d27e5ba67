using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace SseApp.Tests.Infrastructure;

/// <summary>Collects one instrument of one gateway; others of the same name in this process are not mixed in.</summary>
internal sealed class MetricProbe(GatewayHost gateway, string name) : IDisposable
{
    private readonly MetricCollector<long> _counter =
        new(gateway.Services.GetRequiredService<IMeterFactory>(), "SseApp", name);

    public long Sum => _counter.GetMeasurementSnapshot().EvaluateAsCounter();

    public void Dispose() => _counter.Dispose();
}
