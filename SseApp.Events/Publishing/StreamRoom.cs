namespace SseApp.Events.Publishing;

/// <summary>How much of one stream of publishes is on its way: from a line that was read until its result was written.</summary>
/// <param name="maxEvents">Events, each topic of a line counted.</param>
/// <param name="maxBytes">Bytes that these store. A line that exceeds either passes alone.</param>
internal sealed class StreamRoom(int maxEvents, long maxBytes)
{
    private readonly Lock _gate = new();
    private long _events;
    private long _bytes;
    private TaskCompletionSource? _waiting;

    /// <summary>Nothing is on its way.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _events == 0;
            }
        }
    }

    /// <param name="events">Of the line.</param>
    /// <param name="bytes">That they store.</param>
    /// <param name="freed">When there was no room: ends when some was given back, or somebody called <see cref="Wake"/>.</param>
    public bool TryTake(int events, long bytes, out Task freed)
    {
        lock (_gate)
        {
            if (_events > 0 && (_events + events > maxEvents || _bytes + bytes > maxBytes))
            {
                freed = Next();
                return false;
            }

            _events += events;
            _bytes += bytes;
            freed = Task.CompletedTask;
            return true;
        }
    }

    /// <param name="freed">As of <see cref="TryTake"/>.</param>
    /// <returns>False when nothing is on its way, which could be waited for.</returns>
    public bool TryWait(out Task freed)
    {
        lock (_gate)
        {
            freed = _events == 0 ? Task.CompletedTask : Next();
            return _events > 0;
        }
    }

    public void Return(long events, long bytes)
    {
        lock (_gate)
        {
            _events -= events;
            _bytes -= bytes;
        }

        Wake();
    }

    public void Wake()
    {
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            (waiting, _waiting) = (_waiting, null);
        }

        waiting?.TrySetResult();
    }

    private Task Next() => (_waiting ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
}
