using System.Diagnostics.Metrics;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Http;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Events.Diagnostics;

internal sealed class EventsMetrics : IHostedService, IAccessCounter
{
    private const string Reason = "reason";
    private const string Policy = "policy";

    private readonly TimeProvider _time;
    private readonly Counter<long> _opened;
    private readonly Counter<long> _closed;
    private readonly Counter<long> _published;
    private readonly Counter<long> _publishesRefused;
    private readonly Counter<long> _readsRefused;
    private readonly Counter<long> _delivered;
    private readonly Counter<long> _replayed;
    private readonly Counter<long> _gaps;
    private readonly Counter<long> _deferred;
    private readonly Histogram<double> _latency;
    private readonly Counter<long> _slowConsumers;
    private readonly Counter<long> _refusals;
    private readonly LatencyWindow _recentLatency = new();
    private long _totalOpened;
    private long _totalRefused;
    private long _totalResumed;
    private long _totalPublished;
    private long _totalDelivered;
    private long _totalGaps;
    private long _activeConnections;
    private long _backlogBytes;
    private long _activeTopics;
    private long _subscriptions;
    private long _drainStarted;

    public EventsMetrics(SseMeter holder, TimeProvider time)
    {
        _time = time;
        var meter = holder.Meter;
        meter.CreateObservableGauge(MetricNames.ActiveConnections, () => ActiveConnections, description: "Streams open now.");
        _opened = meter.CreateCounter<long>(MetricNames.ConnectionsOpened, description: "Streams opened.");
        _closed = meter.CreateCounter<long>(MetricNames.ConnectionsClosed, description: "Streams ended, by reason.");
        _published = meter.CreateCounter<long>(MetricNames.EventsPublished, description: "Events stored by this replica.");
        _publishesRefused = meter.CreateCounter<long>(MetricNames.PublishesRefused, description: "Publishes, and events of batches, that were not stored although they were right, by reason.");
        _readsRefused = meter.CreateCounter<long>(MetricNames.ReadsRefused, description: "Reads of the history that were refused although they were right, by reason.");
        _delivered = meter.CreateCounter<long>(MetricNames.EventsDelivered, description: "Events written to streams.");
        _replayed = meter.CreateCounter<long>(MetricNames.ReplayedEvents, description: "Events written to streams that were behind.");
        _deferred = meter.CreateCounter<long>(MetricNames.EventsDeferred, description: "Live events left to be read from the log because a fan-out loop was too far behind.");
        _latency = meter.CreateHistogram(
            MetricNames.DeliveryLatency,
            unit: "s",
            description: "From the publisher's acceptance to the bytes written; of events written together, the oldest counts.",
            advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
            });
        _slowConsumers = meter.CreateCounter<long>(MetricNames.SlowConsumers, description: "Streams that exceeded their backlog, by policy.");
        _gaps = meter.CreateCounter<long>(MetricNames.Gaps, description: "Gaps reported to streams, by reason.");
        _refusals = meter.CreateCounter<long>(MetricNames.Refusals, description: "Streams that were not opened, by reason.");
        meter.CreateObservableGauge(MetricNames.BacklogBytes, () => BacklogBytes, unit: "By", description: "Bytes that wait for slow clients.");
        meter.CreateObservableGauge(MetricNames.ActiveTopics, () => Interlocked.Read(ref _activeTopics), description: "Topics with subscribers here, or that had some a moment ago.");
        meter.CreateObservableGauge(MetricNames.RedisSubscriptions, () => Interlocked.Read(ref _subscriptions), description: "Redis channels subscribed to.");
        meter.CreateObservableGauge(MetricNames.DrainSeconds, DrainSeconds, unit: "s", description: "Time since the drain began; 0 while not draining.");
    }

    public long ActiveConnections => Interlocked.Read(ref _activeConnections);

    public long TotalOpened => Interlocked.Read(ref _totalOpened);

    public long TotalRefused => Interlocked.Read(ref _totalRefused);

    public long TotalResumed => Interlocked.Read(ref _totalResumed);

    public long TotalPublished => Interlocked.Read(ref _totalPublished);

    public long TotalDelivered => Interlocked.Read(ref _totalDelivered);

    public long TotalGaps => Interlocked.Read(ref _totalGaps);

    /// <summary>Percentiles of the delivery latency since the last call; null when nothing was delivered.</summary>
    public (TimeSpan P50, TimeSpan P99)? TakeDeliveryLatency() => _recentLatency.Take(0.5, 0.99) is [var half, var most] ? (half, most) : null;

    /// <param name="resumed">Whether its client came with the id of an event.</param>
    public void Opened(bool resumed)
    {
        Interlocked.Increment(ref _totalOpened);
        if (resumed)
        {
            Interlocked.Increment(ref _totalResumed);
        }

        _opened.Add(1);
    }

    public void Closed(string reason) => _closed.Add(1, new KeyValuePair<string, object?>(Reason, reason));

    /// <returns>False, and nothing counted, when <paramref name="limit"/> streams are open already.</returns>
    public bool TryAddConnection(int limit)
    {
        if (Interlocked.Increment(ref _activeConnections) <= limit)
        {
            return true;
        }

        RemoveConnection();
        return false;
    }

    public void RemoveConnection() => Interlocked.Decrement(ref _activeConnections);

    public void Published()
    {
        Interlocked.Increment(ref _totalPublished);
        _published.Add(1);
    }

    public void PublishRefused(string reason) => _publishesRefused.Add(1, new KeyValuePair<string, object?>(Reason, reason));

    public void ReadRefused(string reason) => _readsRefused.Add(1, new KeyValuePair<string, object?>(Reason, reason));

    public void Delivered(int count)
    {
        Interlocked.Add(ref _totalDelivered, count);
        _delivered.Add(count);
    }

    public void Replayed(int count) => _replayed.Add(count);

    public void Latency(long publishedAtMicroseconds)
    {
        var elapsed = _time.GetUtcNow().UnixMicroseconds() - publishedAtMicroseconds;
        // Another replica's clock may be a little ahead of ours.
        elapsed = Math.Max(0, elapsed);
        _latency.Record(elapsed / 1e6);
        _recentLatency.Record(elapsed);
    }

    public void SlowConsumer(OverflowPolicy policy) => _slowConsumers.Add(1, new KeyValuePair<string, object?>(Policy, policy.Label()));

    public void Deferred() => _deferred.Add(1);

    public void Gap(string reason)
    {
        Interlocked.Increment(ref _totalGaps);
        _gaps.Add(1, new KeyValuePair<string, object?>(Reason, reason));
    }

    public void Refused(string reason)
    {
        Interlocked.Increment(ref _totalRefused);
        _refusals.Add(1, new KeyValuePair<string, object?>(Reason, reason));
    }

    public long BacklogBytes => Interlocked.Read(ref _backlogBytes);

    public void AddBacklog(long bytes) => Interlocked.Add(ref _backlogBytes, bytes);

    public void AddTopics(int change) => Interlocked.Add(ref _activeTopics, change);

    public void AddSubscriptions(int change) => Interlocked.Add(ref _subscriptions, change);

    public void DrainStarted() => Interlocked.Exchange(ref _drainStarted, _time.GetTimestamp());

    public void DrainEnded() => Interlocked.Exchange(ref _drainStarted, 0);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _opened.Begin();
        _published.Begin();
        _publishesRefused.Begin(Reason, PublishRefusal.All);
        _readsRefused.Begin(Reason, RequestRefusal.Busy);
        _delivered.Begin();
        _replayed.Begin();
        _deferred.Begin();
        _gaps.Begin(Reason, GapReason.All);
        _slowConsumers.Begin(Policy, OverflowPolicyNames.All.Select(policy => policy.Label()));
        _closed.Begin(Reason, CloseReason.All);
        _refusals.Begin(Reason, [.. RefusalReason.All, HostFilter.Unknown, .. AuthReason.All]);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private double DrainSeconds() =>
        Interlocked.Read(ref _drainStarted) is var started and not 0 ? _time.GetElapsedTime(started).TotalSeconds : 0;
}
