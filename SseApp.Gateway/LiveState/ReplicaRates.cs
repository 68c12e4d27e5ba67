namespace SseApp.Gateway.LiveState;

/// <summary>
/// What one replica does in a second: differences of the counts in its heartbeats, divided by the time between them on the
/// replica's own clock. A read of the registry that finds no new heartbeat, or two at once, changes nothing.
/// </summary>
/// <param name="first">The first record that was seen of its process.</param>
/// <param name="timestamp">When that was.</param>
internal sealed class ReplicaRates(ReplicaRecord first, long timestamp)
{
    private ReplicaRecord _last = first;
    private long _seenAt = timestamp;

    public Rates? Current { get; private set; }

    /// <summary>Median of the last heartbeat, in milliseconds.</summary>
    public double? P50 => Current is null ? null : _last.DeliveryP50Ms;

    public double? P99 => Current is null ? null : _last.DeliveryP99Ms;

    public bool IsOf(ReplicaRecord record) => record.StartedAt == _last.StartedAt;

    /// <param name="record">As the registry has it now.</param>
    /// <param name="time">For what is too old.</param>
    /// <param name="stale">A replica that has not beaten for so long says nothing about now.</param>
    public void Take(ReplicaRecord record, TimeProvider time, TimeSpan stale)
    {
        var seconds = (record.HeartbeatAt - _last.HeartbeatAt).TotalSeconds;
        if (seconds > 0)
        {
            Current = new Rates(
                (record.Published - _last.Published) / seconds,
                (record.Delivered - _last.Delivered) / seconds,
                (record.Opened - _last.Opened) / seconds,
                (record.Resumed - _last.Resumed) / seconds,
                (record.Refused - _last.Refused) / seconds,
                (record.Gaps - _last.Gaps) / seconds);
            (_last, _seenAt) = (record, time.GetTimestamp());
        }
        else if (seconds < 0)
        {
            // Its clock was set back. Differences begin anew from here, or there would be none until it has caught up.
            (_last, _seenAt, Current) = (record, time.GetTimestamp(), null);
        }
        else if (time.GetElapsedTime(_seenAt) > stale)
        {
            Current = null;
        }
    }
}

/// <summary>Of one replica, in a second.</summary>
internal sealed record Rates(double Published, double Delivered, double Opened, double Resumed, double Refused, double Gaps);
