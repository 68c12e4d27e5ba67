namespace SseApp.Events.Streaming;

/// <content>Heartbeats, deadlines, and the end of streams that read too slowly or are old enough.</content>
internal sealed partial class Shard
{
    private static readonly TimeSpan s_wheelResolution = TimeSpan.FromMilliseconds(25);

    private readonly TimerWheel _wheel;
    private readonly Action<StreamConnection> _visit;
    private readonly long _maxBacklogAge;

    /// <summary>Called again whenever something may be due earlier than was known before.</summary>
    private void Schedule(StreamConnection connection)
    {
        if (connection.ShardIndex >= 0)
        {
            var due = connection.Closing is not null
                ? connection.Deadline
                : Math.Min(connection.Deadline, connection.LastFlush + (connection.Flushing ? _maxBacklogAge : connection.HeartbeatTicks));
            _wheel.Schedule(connection, due);
        }
    }

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
        else if (connection is { Closing: null, Flushing: true } && _now - connection.LastFlush > _maxBacklogAge)
        {
            CloseSlow(connection, OverflowPolicy.Disconnect);
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
        if (_options.MaxConnectionAge > TimeSpan.Zero)
        {
            connection.Deadline = _now + Ticks(_options.MaxConnectionAge * Jitter(_options.MaxConnectionAgeJitter));
            connection.DeadlineReason = CloseReason.Age;
        }

        ScheduleDrain(connection);
        Schedule(connection);
    }

    private void ScheduleDrain(StreamConnection connection)
    {
        if (_drainWindow is { } window && connection.Closing is null)
        {
            connection.Deadline = Math.Min(connection.Deadline, _now + Ticks(window * Random.Shared.NextDouble()));
            connection.DeadlineReason = CloseReason.Drain;
            Schedule(connection);
        }
    }

    private static double Jitter(double share) => 1 + (share * ((2 * Random.Shared.NextDouble()) - 1));

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}
