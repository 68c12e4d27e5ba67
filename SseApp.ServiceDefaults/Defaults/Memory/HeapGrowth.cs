namespace SseApp.ServiceDefaults.Defaults.Memory;

/// <summary>
/// Decides when compacting pays: long-lived memory grew by much since the last time, and the growing is over; or nothing has happened for a
/// while, and the collector keeps for the next surge what nobody uses.
/// </summary>
internal sealed class HeapGrowth(HeapCompactionOptions options)
{
    // Opening a stream allocates some 15 KB; publishing and probes of a calm service stay below this.
    private const long CalmBytesPerSecond = 2 * 1024 * 1024;

    // Heartbeats, health checks and metrics of a service that nobody uses stay below this. At that rate it takes a minute and more until
    // the collector holds as much again.
    private const long RestBytesPerSecond = 512 * 1024;
    private const int RestSeconds = 30;
    private const int HeldGrowths = 2;

    private readonly long _minGrowth = options.MinGrowthMiB * 1024L * 1024;
    private readonly long _maxHeap = options.MaxHeapMiB * 1024L * 1024;
    private long _compacted;
    private long _held;
    private long _allocated;
    private int _calm;
    private int _rest;

    /// <summary>To be called once a second.</summary>
    /// <param name="longLived">Bytes of the oldest generation after the last collection.</param>
    /// <param name="held">Bytes that the collector has of the system, and that nothing was in after the last collection.</param>
    /// <param name="allocated">Bytes allocated since the process began.</param>
    public bool IsDue(long longLived, long held, long allocated)
    {
        _calm = allocated - _allocated < CalmBytesPerSecond ? _calm + 1 : 0;
        _rest = allocated - _allocated < RestBytesPerSecond ? _rest + 1 : 0;
        _allocated = allocated;
        _compacted = Math.Min(_compacted, longLived);
        _held = Math.Min(_held, held);
        return longLived <= _maxHeap
            && ((_calm >= options.CalmSeconds && longLived - _compacted >= Math.Max(_minGrowth, _compacted / 5))
                || (_rest >= RestSeconds && held - _held >= HeldGrowths * _minGrowth));
    }

    public void Compacted(long longLived, long held) => (_compacted, _held) = (longLived, held);
}
