using System.Buffers.Text;
using SseApp.Events.Diagnostics;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Writers;

namespace SseApp.Events.FanOut;

/// <content>Writing to one connection and ending it.</content>
internal sealed partial class Shard
{
    // Large enough that system calls no longer count, small enough that a batch stays in the processor's cache.
    private const int SendThreshold = 64 * 1024;

    private static readonly SendBuffer s_heartbeat = CreateHeartbeat();

    // For bytes that many connections get, and for those that only one gets.
    private readonly SendBuffer _shared = new(2 * SendThreshold);
    private readonly SendBuffer _own = new(2 * SendThreshold);

    private static SendBuffer CreateHeartbeat()
    {
        var buffer = new SendBuffer(3);
        AppendBytes(buffer, ":\n\n"u8);
        // Framed here, because all shards read it.
        _ = buffer.Chunk;
        return buffer;
    }

    private static void AppendBytes(SendBuffer buffer, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(buffer.GetSpan(bytes.Length));
        buffer.Advance(bytes.Length);
    }

    private static void AppendId(SendBuffer buffer, TopicSet topics, ReadOnlySpan<Position> positions)
    {
        var span = buffer.GetSpan(PositionCodec.MaxLength(topics.Count) + 5);
        "id: "u8.CopyTo(span);
        var length = 4 + PositionCodec.Encode(topics, positions, span[4..]);
        span[length] = (byte)'\n';
        buffer.Advance(length + 1);
    }

    private void AppendRetry(SendBuffer buffer) => AppendRetry(buffer, _options.NextRetryMilliseconds());

    private static void AppendRetry(SendBuffer buffer, int milliseconds)
    {
        AppendBytes(buffer, "retry: "u8);
        Utf8Formatter.TryFormat(milliseconds, buffer.GetSpan(10), out var digits);
        buffer.Advance(digits);
        AppendBytes(buffer, "\n"u8);
    }

    private void SendOpen(StreamConnection connection)
    {
        _own.Clear();
        AppendBytes(_own, ": stream open\n"u8);
        AppendRetry(_own);
        AppendId(_own, connection.Topics, connection.Positions);
        AppendBytes(_own, "event: stream.open\ndata: "u8);
        AppendBytes(_own, connection.OpenData);
        AppendBytes(_own, "\n\n"u8);
        connection.OpenData = null;
        Send(connection, _own, 0);
    }

    /// <summary>Appends an event for one connection to its own bytes.</summary>
    private void AppendEvent(StreamConnection connection, LogEntry entry, int slot)
    {
        connection.Positions[slot] = entry.Position;
        AppendId(_own, connection.Topics, connection.Positions);
        AppendBytes(_own, entry.Block.Span);
        if (entry.GapReason is null)
        {
            _delivered++;
        }
        else
        {
            _metrics.Gap(entry.GapReason);
        }
    }

    private void SendHeartbeat(StreamConnection connection)
    {
        if (connection.Backlog is null)
        {
            Send(connection, s_heartbeat, 0);
        }
    }

    /// <summary>Sends what waits for a connection, in as few writes as possible, until it is all sent or the client does not keep up.</summary>
    private void SendBacklog(StreamConnection connection)
    {
        while (connection is { Flushing: false, Closing: null, Backlog: { } backlog })
        {
            var oldest = 0L;
            _own.Clear();
            while (_own.Length < SendThreshold && backlog.TryDequeue(connection.Topics.Names, out var entry, out var slot))
            {
                AppendEvent(connection, entry, slot);
                oldest = oldest == 0 ? entry.PublishedAtMicroseconds : oldest;
            }

            if (backlog.IsEmpty)
            {
                DiscardBacklog(connection);
            }

            Send(connection, _own, oldest);
        }
    }

    /// <param name="connection">A connection without a send under way.</param>
    /// <param name="buffer">At least one byte.</param>
    /// <param name="oldest">When the oldest of the events was published; 0 for none.</param>
    private void Send(StreamConnection connection, SendBuffer buffer, long oldest)
    {
        connection.LastFlush = _now;
        connection.OldestUnflushed = oldest;
        connection.Flushing = true;
        ValueTask<bool> send;
        try
        {
            send = connection.Writer.SendAsync(buffer);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            send = ValueTask.FromException<bool>(exception);
        }

        if (send.IsCompletedSuccessfully)
        {
            OnFlushed(connection, gone: !send.Result);
        }
        else
        {
            _ = AwaitFlushAsync(connection, send);
            Schedule(connection);
        }
    }

    private async Task AwaitFlushAsync(StreamConnection connection, ValueTask<bool> flush)
    {
        var gone = true;
        try
        {
            gone = !await flush;
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The client went away during the flush: no error of ours.
        }
#pragma warning disable CA1031 // Whatever a writer throws must end its own stream, not the shard's loop.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogWriteFailed(_logger, exception);
        }

        Post(ShardWorkKind.Flushed, connection, gone ? CloseReason.Client : null);
    }

    private void OnFlushed(StreamConnection connection, bool gone)
    {
        connection.Flushing = false;
        if (connection.OldestUnflushed != 0)
        {
            _metrics.Latency(connection.OldestUnflushed);
            connection.OldestUnflushed = 0;
        }

        if (connection.ShardIndex < 0)
        {
            return;
        }

        if (gone)
        {
            connection.Closing ??= CloseReason.Client;
            Remove(connection);
        }
        else if (connection.Closing is not null)
        {
            FinishClose(connection);
        }
    }

    private void BeginClose(StreamConnection connection, string reason)
    {
        if (connection.Closing is not null || connection.ShardIndex < 0)
        {
            return;
        }

        connection.Closing = reason;
        connection.Deadline = CloseDeadline();
        DiscardBacklog(connection);
        Schedule(connection);
        if (!connection.Flushing)
        {
            FinishClose(connection);
        }
    }

    /// <summary>Sends the last bytes; the stream leaves the shard when they are flushed.</summary>
    private void FinishClose(StreamConnection connection)
    {
        if (connection.FinalWritten || connection.Closing is CloseReason.Client or CloseReason.Error)
        {
            Remove(connection);
            return;
        }

        connection.FinalWritten = true;
        _own.Clear();
        AppendRetry(_own, connection.Closing == CloseReason.Rebalance ? _options.NextRebalanceRetryMilliseconds() : _options.NextRetryMilliseconds());
        AppendBytes(_own, "\n"u8);
        if (connection.Closing == CloseReason.OperatorForGood)
        {
            AppendBytes(_own, StreamClosed.Event);
        }

        Send(connection, _own, 0);
    }

    /// <summary>The client does not read, so there is no clean end for it.</summary>
    private void Cut(StreamConnection connection)
    {
        connection.Deadline = long.MaxValue;
        connection.Writer.Abort();
        if (!connection.Flushing)
        {
            Remove(connection);
        }
    }

    private void Remove(StreamConnection connection)
    {
        for (var slot = 0; slot < connection.Memberships.Length; slot++)
        {
            if (connection.MemberIndexes[slot] >= 0)
            {
                connection.Memberships[slot].RemoveAt(connection.MemberIndexes[slot]);
            }
        }

        var last = _connections[^1];
        _connections[connection.ShardIndex] = last;
        last.ShardIndex = connection.ShardIndex;
        _connections.RemoveAt(_connections.Count - 1);
        connection.ShardIndex = -1;
        DiscardBacklog(connection);
        connection.Complete();
        connection.Detach();
    }
}
