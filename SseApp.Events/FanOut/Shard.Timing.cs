using SseApp.Events.Diagnostics;

namespace SseApp.Events.FanOut;

/// <content>Heartbeats, deadlines, and the end of streams that read too slowly or are old enough.</content>
internal sealed partial class Shard
{
    /// <summary>
    /// Time a stream gets to take its end when a drain is over; less than <see cref="StreamingOptions.CloseTimeout"/>, because
    /// what stops the process may kill it soon.
    /// </summary>
    public static readonly TimeSpan DrainCloseTimeout = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_wheelResolution = TimeSpan.FromMilliseconds(25);

    private readonly TimerWheel _wheel;
    private readonly Action<StreamConnection> _visit;
    private readonly long _maxBacklogAge;
    private long? _drainEnd;

    /// <summary>Called again whenever something may be due earlier than was known before.</summary>
    private void Schedule(StreamConnection connection)
    {
        if (connection.ShardIndex >= 0)
        {
            var due = connection.Closing is not null
                ? connection.Deadline
                : Math.Min(connection.Deadline, connection.Flushing ? SlowAt(connection) : connection.LastFlush + connection.HeartbeatTicks);
            _wheel.Schedule(connection, due);
        }
    }

    /// <summary>When the send under way, or an event that waits for its end, will have taken too long.</summary>
    private long SlowAt(StreamConnection connection) =>
        _maxBacklogAge + (connection.Backlog is { } backlog && backlog.TryPeekOldest(out _, out var since)
            ? Math.Min(since, connection.LastFlush)
            : connection.LastFlush);

    private void Visit(StreamConnection connection)
    {
        if (connection.ShardIndex < 0)
        {
            return;
        }

        if (connection.Deadline <= _now)
        {
            if (connection.Closing is null)
            {
                BeginClose(connection, connection.DeadlineReason);
            }
            else
            {
                Cut(connection);
            }
        }
        else if (connection is { Closing: null, Flushing: true })
        {
            if (_now - connection.LastFlush >= _maxBacklogAge)
            {
                CloseSlow(connection, OverflowPolicy.Disconnect);
            }
            else if (connection.Backlog is { } backlog)
            {
                EnforceAge(connection, backlog);
            }
        }
        else if (connection is { Closing: null, Flushing: false } && _now - connection.LastFlush >= connection.HeartbeatTicks)
        {
            SendHeartbeat(connection);
        }

        Schedule(connection);
    }

    private void SetTimes(StreamConnection connection)
    {
        connection.HeartbeatTicks = Ticks(_options.HeartbeatInterval * Jitter(_options.HeartbeatJitter));
        SetAge(connection);
        if (_drainEnd is { } end)
        {
            // Its request was under way when the drain began.
            EndAt(connection, _now + (long)(Math.Max(0, end - _now) * Random.Shared.NextDouble()));
        }

        Schedule(connection);
    }

    private void SetAge(StreamConnection connection)
    {
        connection.Deadline = long.MaxValue;
        if (_options.MaxConnectionAge > TimeSpan.Zero)
        {
            connection.Deadline = _now + Ticks(_options.MaxConnectionAge * Jitter(_options.MaxConnectionAgeJitter));
            connection.DeadlineReason = CloseReason.Age;
        }
    }

    private void SetDrain(TimeSpan? window)
    {
        if (window is not { } drained)
        {
            _drainEnd = null;
            foreach (var connection in _connections.Where(connection => connection.Closing is null))
            {
                SetAge(connection);
                Schedule(connection);
            }

            return;
        }

        var length = Ticks(drained);
        _drainEnd = _now + length;
        StreamConnection[] order = [.. _connections];
        Random.Shared.Shuffle(order);
        for (var place = 0; place < order.Length; place++)
        {
            // A slot for each in a random order: moments drawn at random would clump, and so would the reconnects.
            EndAt(order[place], _now + (long)(length * ((place + Random.Shared.NextDouble()) / order.Length)));
            Schedule(order[place]);
        }
    }

    private static void EndAt(StreamConnection connection, long moment)
    {
        if (connection.Closing is null)
        {
            connection.Deadline = Math.Min(connection.Deadline, moment);
            connection.DeadlineReason = CloseReason.Drain;
        }
    }

    private long CloseDeadline() => Math.Min(
        _now + Ticks(_options.CloseTimeout),
        _drainEnd is { } end ? Math.Max(_now, end) + Ticks(DrainCloseTimeout) : long.MaxValue);

    private static double Jitter(double share) => 1 + (share * ((2 * Random.Shared.NextDouble()) - 1));

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}
