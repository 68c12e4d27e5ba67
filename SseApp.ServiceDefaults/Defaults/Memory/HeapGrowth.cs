namespace SseApp.ServiceDefaults.Defaults.Memory;

/// <summary>Decides when compacting pays: long-lived memory grew by much since the last time, and the growing is over.</summary>
internal sealed class HeapGrowth(HeapCompactionOptions options)
{
    // Opening a stream allocates some 15 KB; publishing and probes of a calm service stay below this.
    private const long CalmBytesPerSecond = 2 * 1024 * 1024;

    private readonly long _minGrowth = options.MinGrowthMiB * 1024L * 1024;
    private readonly long _maxHeap = options.MaxHeapMiB * 1024L * 1024;
    private long _compacted;
    private long _allocated;
    private int _calm;

    /// <summary>To be called once a second.</summary>
    /// <param name="longLived">Bytes of the oldest generation after the last collection.</param>
    /// <param name="allocated">Bytes allocated since the process began.</param>
    public bool IsDue(long longLived, long allocated)
    {
        _calm = allocated - _allocated < CalmBytesPerSecond ? _calm + 1 : 0;
        _allocated = allocated;
        _compacted = Math.Min(_compacted, longLived);
        return _calm >= options.CalmSeconds && longLived <= _maxHeap && longLived - _compacted >= Math.Max(_minGrowth, _compacted / 5);
    }

    public void Compacted(long longLived) => _compacted = longLived;
}
