namespace SseApp.Events.FanOut;

/// <summary>
/// Visits each connection when its next heartbeat or deadline is due. A connection whose time is later than one
/// turn is visited on the way and scheduled again. Touched only by the shard's loop.
/// </summary>
/// <param name="resolution">Time stamps for each place of the wheel.</param>
/// <param name="now">The time stamp to begin at.</param>
internal sealed class TimerWheel(long resolution, long now)
{
    private const int Size = 1024;

    private readonly List<StreamConnection>?[] _places = new List<StreamConnection>?[Size];
    private long _current = now / resolution;

    /// <summary>Makes sure that the connection is visited when <paramref name="due"/> has passed, or before.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="scheduled">The tick at which it is visited as things are; 0 for none.</param>
    /// <param name="due">A time stamp.</param>
    /// <returns>The tick at which it is visited from now on.</returns>
    public long Schedule(StreamConnection connection, long scheduled, long due)
    {
        var tick = Math.Clamp((due / resolution) + 1, _current + 1, _current + Size - 1);
        if (scheduled > _current && scheduled <= tick)
        {
            return scheduled;
        }

        // A later place that it may have is void from now on, because it does not hold the connection's tick.
        (_places[tick % Size] ??= []).Add(connection);
        return tick;
    }

    public void Advance(long now)
    {
        var last = now / resolution;
        // After a long pause every place is due once.
        _current = Math.Max(_current, last - Size);
        while (_current < last)
        {
            _current++;
            if (_places[_current % Size] is not { Count: > 0 } place)
            {
                continue;
            }

            _places[_current % Size] = null;
            foreach (var connection in place)
            {
                connection.OnTick(_current);
            }

            place.Clear();
            _places[_current % Size] ??= place;
        }
    }
}
