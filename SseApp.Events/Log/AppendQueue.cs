namespace SseApp.Events.Log;

/// <summary>The requests that wait for one server, in their order, and how many of them go together.</summary>
internal sealed class AppendQueue
{
    // A call blocks the server for its whole length: about half a millisecond.
    private const int MaxEvents = 128;
    private const int MaxBytes = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Queue<AppendRequest> _waiting = new();
    private bool _busy;

    /// <returns>True when nobody takes requests: the caller has to, until <see cref="Take"/> returns none.</returns>
    public bool Add(AppendRequest request)
    {
        lock (_gate)
        {
            _waiting.Enqueue(request);
            return !_busy && (_busy = true);
        }
    }

    /// <summary>Takes the requests of one call.</summary>
    /// <param name="everything">All that wait, whatever the bounds of a call.</param>
    public AppendRequest[] Take(bool everything)
    {
        lock (_gate)
        {
            var count = 0;
            long bytes = 0;
            foreach (var request in _waiting)
            {
                bytes += request.Block.Length;
                if (!everything && (count == MaxEvents || (count > 0 && bytes > MaxBytes)))
                {
                    break;
                }

                count++;
            }

            _busy = count > 0;
            var taken = new AppendRequest[count];
            for (var i = 0; i < count; i++)
            {
                taken[i] = _waiting.Dequeue();
            }

            return taken;
        }
    }
}
