using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Events.Http;

/// <summary>
/// The memory that requests take before they allocate it (<see cref="MemoryOptions.RequestBudget"/>). What is taken without
/// asking ends the replica, and all its streams with it, by its memory guard.
/// </summary>
internal sealed class RequestBudget
{
    private readonly long _limit;
    private long _used;

    public RequestBudget(IOptions<MemoryOptions> options, SseMeter meter)
    {
        _limit = options.Value.RequestBudget.Bytes is > 0 and var limit ? limit : long.MaxValue;
        meter.Meter.CreateObservableGauge(
            MetricNames.RequestMemory, () => Used, unit: "By", description: "Memory that bodies of publishes and pages of the history hold.");
    }

    public long Used => Interlocked.Read(ref _used);

    /// <summary>For one event: may take all that is left.</summary>
    public MemoryShare OpenSmall() => new(this, _limit);

    /// <summary>For a batch or a history: leaves the last quarter, so that single events are still taken while others hold the rest.</summary>
    public MemoryShare OpenLarge() => new(this, _limit - (_limit / 4));

    internal bool TryTake(long bytes, long limit)
    {
        if (Interlocked.Add(ref _used, bytes) <= limit)
        {
            return true;
        }

        Return(bytes);
        return false;
    }

    internal void Return(long bytes) => Interlocked.Add(ref _used, -bytes);
}

/// <summary>What one request holds of the budget, until it is disposed of. A request that streams gives back on one thread what it takes on another.</summary>
internal sealed class MemoryShare(RequestBudget budget, long limit) : IDisposable
{
    private long _held;

    /// <summary>True when the last question that was answered with no would be so by an idle replica, too.</summary>
    public bool IsHopeless { get; private set; }

    /// <returns>False, without effect, when there is not so much left.</returns>
    public bool TryTake(long bytes)
    {
        if (!budget.TryTake(bytes, limit))
        {
            IsHopeless = Interlocked.Read(ref _held) + bytes > limit;
            return false;
        }

        Interlocked.Add(ref _held, bytes);
        return true;
    }

    public void Return(long bytes)
    {
        budget.Return(bytes);
        Interlocked.Add(ref _held, -bytes);
    }

    public void Dispose() => Return(Interlocked.Read(ref _held));
}
