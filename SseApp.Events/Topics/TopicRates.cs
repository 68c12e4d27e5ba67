namespace SseApp.Events.Topics;

/// <summary>How many events a second a topic has, and how many writes they make. One thread counts at a time; any may read.</summary>
internal sealed class TopicRates(long now)
{
    public static readonly TimeSpan MarkInterval = TimeSpan.FromSeconds(5);

    private Mark _before = new(now, 0, 0);
    private Mark _last = new(now, 0, 0);
    private long _published;
    private long _delivered;

    public long Published => Volatile.Read(ref _published);

    public long Delivered => Volatile.Read(ref _delivered);

    public void Count(int subscribers)
    {
        Volatile.Write(ref _published, _published + 1);
        Volatile.Write(ref _delivered, _delivered + subscribers);
    }

    /// <summary>Begins another interval; called every <see cref="MarkInterval"/>.</summary>
    public void MarkNow(long timestamp)
    {
        _before = _last;
        _last = Current(timestamp);
    }

    /// <summary>Averages since the mark before the last one: 5 to 10 s.</summary>
    public (double Publish, double Deliver) Since(TimeProvider time)
    {
        var (now, before) = (Current(time.GetTimestamp()), Volatile.Read(ref _before));
        var seconds = time.GetElapsedTime(before.At, now.At).TotalSeconds;
        return seconds > 0
            ? (Math.Round((now.Published - before.Published) / seconds, 2), Math.Round((now.Delivered - before.Delivered) / seconds, 2))
            : default;
    }

    private Mark Current(long timestamp) => new(timestamp, Volatile.Read(ref _published), Volatile.Read(ref _delivered));

    private sealed record Mark(long At, long Published, long Delivered);
}
