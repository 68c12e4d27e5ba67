namespace SseApp.ServiceDefaults.Cluster.Protocol;

/// <summary>
/// By how much reconnection times are longer now. It is a queue that nobody stands in: each opening joins it, it moves on at
/// <see cref="StormOptions.OpeningsPerSecond"/>, and its length says how long all who came would need to come back at that rate. What
/// comes within a second is no storm. One number, changed without a lock.
/// </summary>
internal sealed class RetrySpread
{
    private static readonly TimeSpan s_burst = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly long _cost;
    private readonly long _burst;
    private readonly long _limit;

    // When the queue is empty, as a time stamp.
    private long _end;

    public RetrySpread(IOptions<StormOptions> options, TimeProvider time)
    {
        _time = time;
        MaxMilliseconds = (int)options.Value.MaxRetry.TotalMilliseconds;
        _cost = options.Value.OpeningsPerSecond == 0 ? 0 : Math.Max(1, time.TimestampFrequency / options.Value.OpeningsPerSecond);
        _burst = (long)(s_burst.TotalSeconds * time.TimestampFrequency);
        // A storm is forgotten as fast as its clients can be back.
        _limit = _burst + (long)(options.Value.MaxRetry.TotalSeconds * time.TimestampFrequency);
        _end = time.GetTimestamp();
    }

    /// <summary>No reconnection time is longer because of a storm than this.</summary>
    public int MaxMilliseconds { get; }

    /// <summary>By how much now, in milliseconds; 0 while it is quiet.</summary>
    public int Milliseconds => Of(Volatile.Read(ref _end) - _time.GetTimestamp());

    /// <summary>Counts an opening.</summary>
    /// <returns><see cref="Milliseconds"/> with it.</returns>
    public int Opened()
    {
        if (_cost == 0)
        {
            return 0;
        }

        var now = _time.GetTimestamp();
        var seen = Volatile.Read(ref _end);
        while (true)
        {
            var end = Math.Min(Math.Max(seen, now) + _cost, now + _limit);
            var before = Interlocked.CompareExchange(ref _end, end, seen);
            if (before == seen)
            {
                return Of(end - now);
            }

            seen = before;
        }
    }

    /// <summary>
    /// A reconnection time for one client. Both ends of the range move by the spread, so that clients come back in the order in which they
    /// came; the shortest no further than half of what is possible, so that of a storm that is larger than that not all wait for its end.
    /// </summary>
    /// <param name="min">The shortest when it is quiet, in milliseconds.</param>
    /// <param name="max">The longest when it is quiet.</param>
    /// <param name="spread">Of <see cref="Opened"/> or <see cref="Milliseconds"/>.</param>
    public int Next(int min, int max, int spread)
    {
        var room = Math.Max(0, MaxMilliseconds - max);
        var more = Math.Clamp(spread, 0, room);
        return Random.Shared.Next(min + Math.Min(more, room / 2), max + more + 1);
    }

    private int Of(long ahead) => ahead <= _burst ? 0 : (int)((ahead - _burst) * 1_000 / _time.TimestampFrequency);
}
