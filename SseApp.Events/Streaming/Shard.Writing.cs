using System.Buffers;
using System.Buffers.Text;
using SseApp.Events.Log;

namespace SseApp.Events.Streaming;

/// <content>Writing to one connection and ending it.</content>
internal sealed partial class Shard
{
    // Kestrel holds back up to 64 KiB of a response before a flush waits; more than half of that is sent at once.
    private const int FlushThreshold = 32 * 1024;

    private void WriteOpen(StreamConnection connection)
    {
        var writer = connection.Writer;
        Write(connection, ": stream open\n\n"u8);
        WriteRetry(connection);
        WriteId(connection);
        Write(connection, "event: stream.open\ndata: "u8);
        writer.Write(connection.OpenData);
        Write(connection, "\n\n"u8);
        MarkDirty(connection, connection.OpenData.Length);
    }

    private void WriteEvent(StreamConnection connection, LogEntry entry, int slot, bool live)
    {
        connection.Positions[slot] = entry.Position;
        WriteId(connection);
        connection.Writer.Write(entry.Block.Span);
        if (live && connection.OldestUnflushed == 0)
        {
            connection.OldestUnflushed = entry.PublishedAtMicroseconds;
        }

        if (entry.GapReason is { } reason)
        {
            _metrics.Gap(reason);
        }
        else
        {
            _delivered++;
        }

        MarkDirty(connection, entry.Block.Length);
        if (connection.UnflushedBytes >= FlushThreshold)
        {
            Flush(connection);
        }
    }

    private void WriteHeartbeat(StreamConnection connection)
    {
        Write(connection, ":\n\n"u8);
        MarkDirty(connection, 3);
    }

    private void WriteRetry(StreamConnection connection)
    {
        Span<byte> line = stackalloc byte[32];
        "retry: "u8.CopyTo(line);
        Utf8Formatter.TryFormat(_options.NextRetryMilliseconds(), line[7..], out var digits);
        "\n"u8.CopyTo(line[(7 + digits)..]);
        Write(connection, line[..(8 + digits)]);
    }

    private static void WriteId(StreamConnection connection)
    {
        var span = connection.Writer.GetSpan(PositionCodec.MaxLength(connection.Topics.Count) + 5);
        "id: "u8.CopyTo(span);
        var length = 4 + PositionCodec.Encode(connection.Topics, connection.Positions, span[4..]);
        span[length] = (byte)'\n';
        connection.Writer.Advance(length + 1);
    }

    private static void Write(StreamConnection connection, ReadOnlySpan<byte> bytes) => connection.Writer.Write(bytes);

    private void MarkDirty(StreamConnection connection, int bytes)
    {
        connection.UnflushedBytes += bytes;
        if (!connection.Dirty)
        {
            connection.Dirty = true;
            _dirty.Add(connection);
        }
    }

    private void Flush(StreamConnection connection)
    {
        connection.UnflushedBytes = 0;
        connection.LastFlush = _now;
        connection.Flushing = true;
        ValueTask<bool> flush;
        try
        {
            flush = connection.Writer.FlushAsync();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            flush = ValueTask.FromException<bool>(exception);
        }

        if (flush.IsCompletedSuccessfully)
        {
            OnFlushed(connection, gone: !flush.Result);
        }
        else
        {
            _ = AwaitFlushAsync(connection, flush);
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
        else
        {
            WriteBacklog(connection);
            PumpReplay(connection);
        }
    }

    private void WriteBacklog(StreamConnection connection)
    {
        while (!connection.Flushing && connection.Backlog is { } backlog)
        {
            var (entry, slot) = backlog.Dequeue();
            CountBacklog(connection, -Size(entry));
            if (backlog.Count == 0)
            {
                connection.Backlog = null;
            }

            WriteEvent(connection, entry, slot, live: true);
        }
    }

    private bool TryEnqueue(StreamConnection connection, LogEntry entry, int slot)
    {
        if (connection.BacklogBytes + Size(entry) > _options.MaxBacklogBytes)
        {
            return false;
        }

        (connection.Backlog ??= new()).Enqueue((entry, slot));
        CountBacklog(connection, Size(entry));
        return true;
    }

    private void CountBacklog(StreamConnection connection, int bytes)
    {
        connection.BacklogBytes += bytes;
        _metrics.AddBacklog(bytes);
    }

    // The entry's bytes are shared by all connections; what it would add to this one's output counts all the same.
    private static int Size(LogEntry entry) => entry.Block.Length + 32;

    private void CloseSlow(StreamConnection connection)
    {
        if (connection.Closing is null)
        {
            _metrics.SlowConsumer();
            BeginClose(connection, CloseReason.SlowConsumer);
        }
    }

    private void BeginClose(StreamConnection connection, string reason)
    {
        if (connection.Closing is not null || connection.ShardIndex < 0)
        {
            return;
        }

        connection.Closing = reason;
        connection.Deadline = _now + Ticks(_options.CloseTimeout);
        CountBacklog(connection, -connection.BacklogBytes);
        connection.Backlog = null;
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
        WriteRetry(connection);
        Write(connection, "\n"u8);
        Flush(connection);
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
        CountBacklog(connection, -connection.BacklogBytes);
        connection.Backlog = null;
        connection.Complete();
    }
}
