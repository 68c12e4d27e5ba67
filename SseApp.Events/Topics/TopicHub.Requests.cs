using SseApp.Events.Archive;
using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.Events.Log;

namespace SseApp.Events.Topics;

/// <content>Those who want events that the hub has posted already: from the ring, from what was just read, or as a gap.</content>
internal sealed partial class TopicHub
{
    private readonly List<HistoryRequest> _requests = [];

    // No offset below it is in the log any more; the log's true first one may be newer.
    private long _logFirst = 1;

    /// <summary>Finds where a stream of this topic begins; waits for the log if memory does not have it.</summary>
    /// <param name="resumePoint">What the client asked for; not the live end.</param>
    /// <param name="slot">This topic's place among the client's.</param>
    /// <param name="markBits">Width of the epochs' marks in the client's id.</param>
    public Task<StreamStart> FindStartAsync(ResumePoint resumePoint, int slot, int markBits)
    {
        if (resumePoint.Earliest && _archive is not null)
        {
            return FindEarliestAsync(_archive);
        }

        lock (_gate)
        {
            if (resumePoint.Unknown)
            {
                var gap = StreamGap.Create(Topic, GapReason.UnknownPosition, null, _head.Offset, _head);
                return Task.FromResult(StreamStart.Unknown(gap));
            }

            var request = resumePoint.Positions is { } positions
                ? new StartRequest(positions[slot], markBits)
                : new StartRequest(resumePoint.Earliest ? default : new Position(_head.Epoch, Math.Max(0, _head.Offset - resumePoint.History)));
            Add(request);
            return request.Completion;
        }
    }

    // There may be events of before the log that there is now.
    private async Task<StreamStart> FindEarliestAsync(ArchiveHistory archive)
    {
        lock (_gate)
        {
            _askingEpochs++;
        }

        ArchivedEpoch? oldest;
        try
        {
            oldest = await archive.FindOldestAsync(Topic, _stopped);
        }
        finally
        {
            lock (_gate)
            {
                _askingEpochs--;
            }
        }

        StartRequest request;
        lock (_gate)
        {
            if (oldest is not null && oldest.Epoch != _head.Epoch)
            {
                return new StreamStart(new Position(oldest.Epoch, oldest.First - 1), null);
            }

            request = new StartRequest(default(Position));
            Add(request);
        }

        return await request.Completion;
    }

    /// <summary>The same, if memory has all that follows the client's position.</summary>
    /// <param name="asked">The position.</param>
    /// <param name="markBits">Width of the epochs' marks in the client's id.</param>
    /// <param name="start">Where the stream begins.</param>
    public bool TryFindStart(MarkedPosition asked, int markBits, out StreamStart start)
    {
        lock (_gate)
        {
            start = new StreamStart(new Position(_head.Epoch, asked.Offset), null);
            return (asked.Mark == _head.Epoch.Mark(markBits) || asked == default) && asked.Offset <= _head.Offset && asked.Offset >= RingFirst - 1;
        }
    }

    public LogEntry[] Recent(Position after, Position through, int maxBytes)
    {
        lock (_gate)
        {
            // The shard may not have come to the newest ones yet.
            if (after.Epoch != _head.Epoch || through.Epoch != _head.Epoch || through.Offset > _head.Offset
                || after.Offset >= through.Offset || after.Offset < RingFirst - 1)
            {
                return [];
            }

            var entries = _ring.Slice(after.Offset, maxBytes, through.Offset);
            _sources?.Read(HistorySource.Ring, entries.Length);
            return entries;
        }
    }

    /// <summary>Asks for the events after a position; the answer may come before this returns.</summary>
    public void Request(HistoryRequest request)
    {
        lock (_gate)
        {
            Add(request);
        }
    }

    private void Add(HistoryRequest request)
    {
        if (!TryComplete(request, null))
        {
            _requests.Add(request);
            StartReading();
        }
    }

    /// <summary>Keeps what was read for others, as far as it joins what is kept.</summary>
    private void Keep(LogPage page)
    {
        if (page.Entries.Length == 0 || page.Entries[^1].Position.Offset < RingFirst - 1)
        {
            return;
        }

        for (var i = page.Entries.Length - 1; i >= 0; i--)
        {
            var entry = page.Entries[i];
            if (entry.Position.Offset == RingFirst - 1 && (entry.After != entry.Position.Offset - 1 || !_ring.TryAddFirst(entry)))
            {
                return;
            }
        }
    }

    /// <param name="request">What is asked for.</param>
    /// <param name="page">What was just read, of the hub's epoch; or null.</param>
    private bool TryComplete(HistoryRequest request, LogPage? page)
    {
        if (request.Clamp && !request.Fits(_head.Epoch))
        {
            // The log changed while it waited; it had no position to lose.
            request.MoveTo(default);
        }

        if (!request.Fits(_head.Epoch))
        {
            return request.Confirmed && (TryAskArchive(request) || CompleteWithGap(request, GapReason.Epoch, request.After + 1, null, new Position(_head.Epoch, Math.Max(0, _logFirst - 1))));
        }

        var after = new Position(_head.Epoch, request.After);
        if (after.Offset > _head.Offset)
        {
            return request.Confirmed && CompleteWithGap(request, GapReason.UnknownPosition, null, _head.Offset, _head);
        }

        if (request.Clamp && after.Offset < _logFirst - 1 && _archive is null)
        {
            after = after with { Offset = Math.Min(_logFirst, RingFirst) - 1 };
        }

        request.MoveTo(after);
        if (after.Offset >= RingFirst - 1)
        {
            return Complete(request, _ring.Slice(after.Offset, request.MaxBytes), HistorySource.Ring);
        }

        if (after.Offset < _logFirst - 1)
        {
            return TryAskArchive(request) || CompleteWithGap(request, GapReason.Expired, after.Offset + 1, _logFirst - 1, new Position(_head.Epoch, _logFirst - 1));
        }

        if (page is { Entries: [var first, ..] entries } && after.Offset >= first.After && after.Offset < entries[^1].Position.Offset)
        {
            // Not beyond the head: the shards get what follows it as live events.
            var rest = entries.AsSpan(LogEntries.CountThrough(entries, after.Offset)..LogEntries.CountThrough(entries, _head.Offset));
            return Complete(request, LogEntries.Take(Topic, rest, after.Offset, request.MaxBytes), HistorySource.Redis);
        }

        return false;
    }

    private bool Complete(HistoryRequest request, LogEntry[] entries, string source)
    {
        // Whoever takes no bytes asks only where to begin.
        if (request.MaxBytes > 0)
        {
            _sources?.Read(source, entries.Length);
        }

        request.Complete(entries);
        return true;
    }

    private bool CompleteWithGap(HistoryRequest request, string reason, long? from, long? to, Position position)
    {
        request.Complete([StreamGap.Create(Topic, reason, from, to, position)]);
        return true;
    }
}
