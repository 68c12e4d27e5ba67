using System.Diagnostics.Metrics;

namespace SseApp.ServiceDefaults.Defaults.Telemetry;

/// <summary>The one meter of the process; each feature makes its instruments on it under a name of <see cref="MetricNames"/>.</summary>
public sealed class SseMeter(IMeterFactory factory)
{
    // The factory caches by name and disposes the meter with the host.
    public Meter Meter { get; } = factory.Create(MetricNames.Meter);
}
