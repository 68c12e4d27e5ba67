namespace SseApp.Tests.Infrastructure;

/// <summary>A client that takes everything and looks what its thread allocated since the send before.</summary>
internal sealed class AllocationWriter : IStreamWriter
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, long> _allocated = [];
    private int _sends;
    private int _pairs;
    private int _free;

    public int Sends => Volatile.Read(ref _sends);

    /// <summary>Sends that came after another one on the same thread, and those of them between which nothing was allocated.</summary>
    public (int All, int Free) Pairs
    {
        get
        {
            lock (_gate)
            {
                return (_pairs, _free);
            }
        }
    }

    public ValueTask<bool> SendAsync(SendBuffer buffer)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        lock (_gate)
        {
            if (_allocated.TryGetValue(Environment.CurrentManagedThreadId, out var before))
            {
                _pairs++;
                _free += allocated == before ? 1 : 0;
            }

            // What this dictionary allocates itself does not count.
            _allocated[Environment.CurrentManagedThreadId] = 0;
            _allocated[Environment.CurrentManagedThreadId] = GC.GetAllocatedBytesForCurrentThread();
        }

        Interlocked.Increment(ref _sends);
        return new ValueTask<bool>(true);
    }

    public void Abort()
    {
    }
}
