using SseApp.Events.Log;

namespace SseApp.Events.Topics;

/// <content>What was read from the log becomes live events and gaps, once it is clear that it is still the same log.</content>
internal sealed partial class TopicHub
{
    private void Apply(in ReadPlan plan, LogPage page)
    {
        if (_stopped.IsCancellationRequested)
        {
            return;
        }

        if (page.Epoch != _head.Epoch)
        {
            if (_head != default)
            {
                Restart(page);
                StartCheck();
                return;
            }

            if (!plan.IsCheck)
            {
                StartCheck();
                return;
            }

            // What follows posts an event or a gap of the new log, so the shards never lag behind this.
            _head = new Position(page.Epoch, 0);
        }
        else if (!Contains(page, plan.Head) || Array.Exists(page.Entries, _ring.Contradicts))
        {
            // The log lost events that were delivered. Their offsets were, or would be, given to others.
            _fence = _head.Epoch;
            StartCheck();
            return;
        }
        else if (!plan.IsCheck && page.First > _head.Offset + 1)
        {
            // The hub itself missed events that are gone by now.
            StartCheck();
            return;
        }

        _logFirst = page.First;
        if (plan.IsCheck)
        {
            CatchUp(page);
        }
        else
        {
            Keep(page);
        }

        _requests.RemoveAll(request => TryComplete(request, page));
    }

    /// <summary>Whether a log of the same epoch has, or had, this event. It cannot be known once the next one is gone, too.</summary>
    private static bool Contains(LogPage page, LogEnd head)
    {
        if (page.Last <= head.Position.Offset)
        {
            return page.End.IsSameAs(head);
        }

        var next = LogEntries.CountThrough(page.Entries, head.Position.Offset);
        return next >= page.Entries.Length || page.Entries[next].After != head.Position.Offset || LogEnd.AreSame(page.Entries[next].Previous, head.PublishedAtMicroseconds);
    }

    private void CatchUp(LogPage page)
    {
        if (page.First > _head.Offset + 1)
        {
            ReportGap(GapReason.Expired, _head.Offset + 1, page.First - 1, new Position(page.Epoch, page.First - 1));
        }

        foreach (var entry in page.Entries)
        {
            if (Follows(entry))
            {
                Append(entry);
            }
        }

        if (_head.Offset < page.Last)
        {
            _checkWanted = true;
            return;
        }

        if (_held!.Take(_heldBeforeRead).Any(entry => entry.Position.Epoch == _head.Epoch && entry.Position.Offset > _head.Offset))
        {
            // It was announced before the log was read, so it was in the log, and the log has lost it.
            _fence = _head.Epoch;
            _checkWanted = true;
            return;
        }

        foreach (var request in _requests)
        {
            request.Confirmed |= request.Checking;
        }

        Settle();
    }

    /// <summary>The log is another one: what was in the old one after the head cannot be known.</summary>
    private void Restart(LogPage page)
    {
        if (page.Epoch == default && HasExpired())
        {
            // It went as its retention says, and everybody here had everything.
            MoveTo(default);
        }
        else
        {
            ReportGap(GapReason.Epoch, _head.Offset + 1, null, page.Epoch == default ? default : new Position(page.Epoch, _archive is null ? page.First - 1 : 0));
        }

        _logFirst = page.First;
    }

    private bool HasExpired() =>
        _headPublishedAt != 0 && _time.GetUtcNow().UnixMicroseconds() - _headPublishedAt >= _idleExpiry.TotalMicroseconds;
}
