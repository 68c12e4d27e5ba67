using System.Diagnostics.Metrics;
using SseApp.ServiceDefaults.Telemetry;

namespace SseApp.Gateway.Alerts;

/// <summary>Requests that this gateway refused since it started, whichever part of it did: read from the metric that all of them count.</summary>
internal sealed class RefusalTotal : IDisposable
{
    private readonly MeterListener _listener = new();
    private long _total;

    public RefusalTotal(SseMeter meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == meter.Meter && instrument.Name == MetricNames.Refusals)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, count, _, _) => Interlocked.Add(ref _total, count));
        _listener.Start();
    }

    public long Value => Interlocked.Read(ref _total);

    public void Dispose() => _listener.Dispose();
}
