using System.Diagnostics.Metrics;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Events.Diagnostics;

/// <summary>What the archive is given and asked for; not there without one.</summary>
internal sealed class ArchiveMetrics : IHostedService
{
    private readonly Counter<long> _events;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _lost;
    private readonly Counter<long> _failures;
    private readonly Counter<long> _queries;
    private readonly Counter<long> _read;
    private long _totalLost;

    public ArchiveMetrics(SseMeter holder)
    {
        var meter = holder.Meter;
        _events = meter.CreateCounter<long>(MetricNames.ArchivedEvents, description: "Events archived by this replica.");
        _bytes = meter.CreateCounter<long>(MetricNames.ArchivedBytes, unit: "By", description: "Bytes of the events archived by this replica.");
        _lost = meter.CreateCounter<long>(MetricNames.ArchiveLostEvents, description: "Events that Redis had to let go before they were archived.");
        _failures = meter.CreateCounter<long>(MetricNames.ArchiveFailures, description: "Writes to the archive that failed; each is tried again.");
        _queries = meter.CreateCounter<long>(MetricNames.ArchiveQueries, description: "Queries of the archive for history.");
        _read = meter.CreateCounter<long>(MetricNames.HistoryEvents, description: "Events handed to streams that were behind, by where they came from: memory (ring), the log in Redis, or the archive.");
        meter.CreateObservableGauge(MetricNames.ArchiveUp, () => IsUp ? 1 : 0, description: "1 while the database of the archive answers and can be written.");
        meter.CreateObservableGauge(MetricNames.ArchiveLagEvents, () => LagEvents, description: "Events of the topics that this replica archives which are not archived yet.");
        meter.CreateObservableGauge(MetricNames.ArchiveLagSeconds, () => LagSeconds(), unit: "s", description: "Age of the oldest of them.");
        meter.CreateObservableGauge(MetricNames.ArchiveShards, () => Shards, description: "Shards of topics that this replica archives, of 16.");
    }

    /// <summary>False as well until it is known.</summary>
    public bool IsUp { get; private set; }

    /// <summary>Why it is not up.</summary>
    public string? Problem { get; private set; }

    /// <summary>Another cluster writes to the same database.</summary>
    public bool IsShared { get; set; }

    public long LagEvents { get; set; }

    public Func<double> LagSeconds { get; set; } = static () => 0;

    public int Shards { get; set; }

    /// <summary>Beyond it the archive is behind.</summary>
    public TimeSpan MaxLag { get; set; } = TimeSpan.MaxValue;

    public void Archived(int events, long bytes)
    {
        _events.Add(events);
        _bytes.Add(bytes);
    }

    public void Lost(long events)
    {
        Interlocked.Add(ref _totalLost, events);
        _lost.Add(events);
    }

    public void Up() => (IsUp, Problem) = (true, null);

    public void Down(string problem) => (IsUp, Problem) = (false, problem);

    /// <summary>For the record of this replica, by which gateways learn it.</summary>
    public ArchiveReport Report()
    {
        var lag = LagSeconds();
        return new ArchiveReport(Problem, lag > MaxLag.TotalSeconds, Math.Round(lag, 1), LagEvents, Interlocked.Read(ref _totalLost));
    }

    public void Failed() => _failures.Add(1);

    public void Query() => _queries.Add(1);

    public void Read(string source, int events) => _read.Add(events, new KeyValuePair<string, object?>("source", source));

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _events.Begin();
        _bytes.Begin();
        _lost.Begin();
        _failures.Begin();
        _queries.Begin();
        _read.Begin("source", HistorySource.All);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>Where events of the past come from; the metric's label <c>source</c>.</summary>
internal static class HistorySource
{
    public const string Ring = "ring";
    public const string Redis = "redis";
    public const string Archive = "archive";

    public static readonly string[] All = [Ring, Redis, Archive];
}
