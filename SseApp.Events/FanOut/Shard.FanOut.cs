using SseApp.Events.Log;

namespace SseApp.Events.FanOut;

/// <content>From an event of a topic to the sends.</content>
internal sealed partial class Shard
{
    private const int MaxSpare = 64;

    // Work for one topic before the next one has its turn, and all that is done before the queue is looked at again: a
    // fraction of a millisecond, so that those who come next get what came meanwhile. A visit costs a system call, but
    // for a client behind a relay connection only its id. Those should be visited in one go: what comes to some of them
    // in the middle of a round makes frames for different clients, which cannot become one while they wait.
    private const int Turn = 32 * VisitOfSocket;
    private const int TurnsOfBatch = 2;
    private const int VisitOfSocket = 256;
    private const int VisitOfRelayed = 1;

    // Topics with members that are behind.
    private readonly Queue<TopicMembers> _behind = new();
    private readonly Stack<Backlog> _spareBacklogs = new();
    private readonly BacklogTotal _backlog = new();
    private long _reportedBacklog;
    private int _delivered;
    private int _done;

    // What is in the shared buffer: so many events, from this one on.
    private LogEntry? _sharedFirst;
    private int _sharedCount;

    private void Deliver(TopicMembers members, LogEntry entry)
    {
        members.Head = entry.Position;
        if (members.Count == 0)
        {
            _done++;
            return;
        }

        if (!members.IsBehind)
        {
            _behind.Enqueue(members);
        }

        members.Append(entry);
    }

    /// <summary>Visits some of the members that are behind, each topic's in turn.</summary>
    private void VisitMembers()
    {
        for (var turn = 0; turn < TurnsOfBatch && _behind.TryDequeue(out var members); turn++)
        {
            try
            {
                VisitMembers(members);
            }
            finally
            {
                if (members.IsBehind)
                {
                    _behind.Enqueue(members);
                }
            }
        }
    }

    private void VisitMembers(TopicMembers members)
    {
        for (var work = 0; work < Turn && members.TryNext(out var connection, out var index, ref _done);)
        {
            work += connection.IsRelayed ? VisitOfRelayed : VisitOfSocket;
            if (connection is { IsSingle: true, Flushing: false })
            {
                SendShared(connection, members.Take(index));
            }
            else
            {
                SendOwn(connection);
            }
        }
    }

    /// <summary>
    /// Clients of this topic alone that keep up all get the same bytes, ids included, so these are put together once.
    /// </summary>
    private void SendShared(StreamConnection connection, ReadOnlySpan<LogEntry> entries)
    {
        while (!entries.IsEmpty && connection is { Flushing: false, Closing: null })
        {
            var isEncoded = _sharedFirst == entries[0]
                && (_sharedCount == entries.Length || (_sharedCount < entries.Length && _shared.Length >= SendThreshold));
            if (!isEncoded)
            {
                EncodeShared(connection.Topics, entries);
            }

            Count(entries[.._sharedCount]);
            entries = entries[_sharedCount..];
            Send(connection, _shared, _sharedFirst!.PublishedAtMicroseconds);
        }

        foreach (var entry in connection.Closing is null ? entries : [])
        {
            Enqueue(connection, entry, slot: 0);
        }
    }

    private void EncodeShared(TopicSet topics, ReadOnlySpan<LogEntry> entries)
    {
        _shared.Clear();
        _sharedFirst = entries[0];
        _sharedCount = 0;
        while (_sharedCount < entries.Length && _shared.Length < SendThreshold)
        {
            var entry = entries[_sharedCount++];
            AppendId(_shared, topics, [entry.Position]);
            AppendBytes(_shared, entry.Block.Span);
        }
    }

    /// <summary>A client of several topics, or one that does not keep up, gets at its turn what it lacks of all its topics.</summary>
    private void SendOwn(StreamConnection connection)
    {
        var oldest = 0L;
        _own.Clear();
        for (var slot = 0; slot < connection.Memberships.Length && connection.ShardIndex >= 0; slot++)
        {
            if (connection.MemberIndexes[slot] < 0)
            {
                continue;
            }

            foreach (var entry in connection.Memberships[slot].Take(connection.MemberIndexes[slot]))
            {
                if (connection.Closing is not null)
                {
                    break;
                }

                if (connection.Flushing)
                {
                    Enqueue(connection, entry, slot);
                    continue;
                }

                AppendEvent(connection, entry, slot);
                oldest = oldest == 0 ? entry.PublishedAtMicroseconds : oldest;
                if (_own.Length >= SendThreshold)
                {
                    Send(connection, _own, oldest);
                    _own.Clear();
                    oldest = 0;
                }
            }
        }

        if (_own.Length > 0 && connection is { Flushing: false, Closing: null })
        {
            Send(connection, _own, oldest);
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

    private void Report()
    {
        if (_done > 0)
        {
            Interlocked.Add(ref _queuedEvents, -_done);
            _done = 0;
            TellRoom();
        }

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
