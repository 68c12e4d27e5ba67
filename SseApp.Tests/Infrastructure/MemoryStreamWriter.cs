namespace SseApp.Tests.Infrastructure;

/// <summary>A client in memory that takes every <paramref name="slowness"/>-th flush a moment later.</summary>
internal sealed class MemoryStreamWriter(int slowness) : IStreamWriter
{
    private readonly Lock _gate = new();
    private readonly SseParser _parser = new();
    private readonly List<SseEvent> _events = [];
    private int _flushes;
    private volatile bool _gone;

    public SseEvent[] Events
    {
        get
        {
            lock (_gate)
            {
                return [.. _events];
            }
        }
    }

    public ValueTask<bool> SendAsync(SendBuffer buffer)
    {
        // The buffer is used again as soon as this returns.
        var bytes = buffer.Payload.ToArray();
        return slowness > 0 && ++_flushes % slowness == 0 ? SlowlyAsync(bytes) : new ValueTask<bool>(Take(bytes));
    }

    public void Abort() => _gone = true;

    private async ValueTask<bool> SlowlyAsync(byte[] bytes)
    {
        await Task.Yield();
        return Take(bytes);
    }

    private bool Take(byte[] bytes)
    {
        if (_gone)
        {
            return false;
        }

        lock (_gate)
        {
            foreach (var next in _parser.Feed(bytes))
            {
                if (next.Type != ":")
                {
                    _events.Add(next);
                }
            }
        }

        return true;
    }
}
