using System.Runtime.InteropServices;
using SseApp.Events.Log;
using SseApp.Events.Topics;

namespace SseApp.Events.Streaming;

/// <content>From an event of a topic to the sends of one batch.</content>
internal sealed partial class Shard
{
    private const int MaxSpare = 64;

    private readonly List<TopicMembers> _pending = [];
    private readonly List<StreamConnection> _dirty = [];
    private readonly Stack<List<LogEntry>> _spareLists = new();
    private readonly Stack<Backlog> _spareBacklogs = new();
    private readonly BacklogTotal _backlog = new();
    private long _reportedBacklog;
    private int _pendingBytes;
    private int _delivered;

    /// <summary>Hands an event to the members of its topic; it is sent at the end of the batch at the latest.</summary>
    private void FanOut(TopicMembers members, LogEntry entry)
    {
        if (members.Count == 0)
        {
            return;
        }

        if (members.Pending is null)
        {
            members.Pending = _spareLists.TryPop(out var list) ? list : [];
            _pending.Add(members);
        }

        members.Pending.Add(entry);
        members.PendingBytes += Backlog.Size(entry);
        _pendingBytes += Backlog.Size(entry);
        if (members.PendingBytes >= SendThreshold || _pendingBytes >= 16 * SendThreshold)
        {
            SendPending();
        }
    }

    private void SendPending()
    {
        foreach (var members in _pending)
        {
            var entries = members.Pending!;
            members.Pending = null;
            members.PendingBytes = 0;
            SendPending(members, CollectionsMarshal.AsSpan(entries));
            entries.Clear();
            if (_spareLists.Count < MaxSpare)
            {
                _spareLists.Push(entries);
            }
        }

        _pending.Clear();
        _pendingBytes = 0;
    }

    /// <summary>
    /// Clients of this topic alone that keep up all get the same bytes, ids included, so these are put together once.
    /// </summary>
    private void SendPending(TopicMembers members, ReadOnlySpan<LogEntry> entries)
    {
        var encoded = false;
        // Backwards, because a member that turns out to be gone is replaced by the last one.
        for (var i = members.Count - 1; i >= 0; i--)
        {
            var (connection, slot) = members[i];
            if (connection.Closing is not null)
            {
                continue;
            }

            if (connection is { Flushing: false, Backlog: null, Topics.Count: 1 })
            {
                if (!encoded)
                {
                    Encode(connection, entries);
                    encoded = true;
                }

                connection.Positions[0] = entries[^1].Position;
                Count(entries);
                Send(connection, _shared, entries[0].PublishedAtMicroseconds);
            }
            else
            {
                foreach (var entry in entries)
                {
                    Enqueue(connection, entry, slot);
                }
            }
        }
    }

    private void Count(ReadOnlySpan<LogEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (entry.GapReason is null)
            {
                _delivered++;
            }
            else
            {
                _metrics.Gap(entry.GapReason);
            }
        }
    }

    private void Encode(StreamConnection connection, ReadOnlySpan<LogEntry> entries)
    {
        _shared.Clear();
        foreach (var entry in entries)
        {
            AppendId(_shared, connection.Topics, [entry.Position]);
            AppendBytes(_shared, entry.Block.Span);
        }
    }

    private void FinishBatch()
    {
        SendPending();
        foreach (var connection in _dirty)
        {
            connection.Dirty = false;
            SendBacklog(connection);
            PumpReplay(connection);
        }

        _dirty.Clear();
        if (_delivered > 0)
        {
            _metrics.Delivered(_delivered);
            _delivered = 0;
        }

        if (_replayed > 0)
        {
            _metrics.Replayed(_replayed);
            _replayed = 0;
        }

        if (_backlog.Bytes != _reportedBacklog)
        {
            _metrics.AddBacklog(_backlog.Bytes - _reportedBacklog);
            _reportedBacklog = _backlog.Bytes;
        }
    }
}
