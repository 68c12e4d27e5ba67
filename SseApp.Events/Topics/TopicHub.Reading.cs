using System.Runtime.InteropServices;
using SseApp.Events.Log;
using SseApp.Events.Streaming;

namespace SseApp.Events.Topics;

/// <content>
/// Everything that is read from the topic's log goes through one loop, one read at a time: what many streams ask for at
/// once costs one read.
/// </content>
internal sealed partial class TopicHub
{
    private const int MaxPageEvents = 1_000;
    private const int MaxPageBytes = 256 * 1024;

    private static readonly TimeSpan s_retryDelay = TimeSpan.FromMilliseconds(500);

    private readonly List<HistoryRequest> _requests = [];
    private bool _reading;
    private bool _checkWanted;

    // The log of this epoch is to be dropped: it lost events that were delivered.
    private Epoch _fence;

    // No offset below it is in the log any more; the log's true first one may be newer.
    private long _logFirst = 1;

    /// <summary>Finds where a stream of this topic begins; waits for the log if memory does not tell.</summary>
    /// <param name="origin">What the client asked for; not the live end.</param>
    /// <param name="slot">This topic's place among the client's.</param>
    /// <param name="markBits">Width of the epochs' marks in the client's id.</param>
    public Task<StreamStart> FindStartAsync(StreamOrigin origin, int slot, int markBits)
    {
        lock (_gate)
        {
            if (origin.Unknown)
            {
                var gap = StreamGap.Create(Topic, GapReason.UnknownPosition, null, _head.Offset, _head);
                // Until the gap is told, the client's id must not claim a position; no log has this epoch.
                return Task.FromResult(new StreamStart(new Position(Epoch.Create(), 0), gap));
            }

            var request = origin.Positions is { } positions
                ? new StartRequest(new Position(Epoch.FromMark(positions[slot].Mark, markBits), positions[slot].Offset), markBits, clamp: false)
                : new StartRequest(
                    origin.Earliest ? default : new Position(_head.Epoch, Math.Max(0, _head.Offset - origin.History)), markBits, clamp: true);
            Add(request);
            return request.Completion;
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

    /// <summary>Compares the newest event with the log's, and catches up or tells a gap if they differ.</summary>
    public async Task CheckAsync()
    {
        Position head;
        lock (_gate)
        {
            head = _head;
            if (_held is not null)
            {
                return;
            }
        }

        var end = await _log.GetEndAsync(Topic);
        lock (_gate)
        {
            // If events came in between, the channel works, and each of them was checked against the one before it.
            if (_held is null && head == _head && end != head)
            {
                StartCheck();
            }
        }
    }

    private void StartCheck()
    {
        _held ??= [];
        _checkWanted = true;
        StartReading();
    }

    private void StartReading()
    {
        if (!_reading && !_stopped.IsCancellationRequested)
        {
            _reading = true;
            _ = ReadAsync();
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

    private async Task ReadAsync()
    {
        // Leaves the caller's lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (TryPlan(out var plan))
        {
            try
            {
                if (plan.Fence != default)
                {
                    await _log.FenceAsync(Topic, plan.Fence);
                }

                var page = await _log.ReadAsync(Topic, plan.After, MaxPageEvents, MaxPageBytes);
                lock (_gate)
                {
                    Apply(plan, page);
                }
            }
#pragma warning disable CA1031 // Whatever went wrong, those who wait must not wait for ever.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                if (!RedisErrors.IsUnavailable(exception))
                {
                    LogReadFailed(_logger, exception, Topic);
                }

                lock (_gate)
                {
                    _checkWanted |= plan.IsCheck;
                    _fence = plan.Fence;
                }

                await Task.Delay(s_retryDelay, _time, _stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private bool TryPlan(out ReadPlan plan)
    {
        lock (_gate)
        {
            var stale = _requests.Exists(request => !request.Confirmed && (!request.IsOf(_head.Epoch) || request.After.Offset > _head.Offset));
            if ((!_checkWanted && _requests.Count == 0) || _stopped.IsCancellationRequested)
            {
                plan = default;
                return _reading = false;
            }

            if (_checkWanted || stale)
            {
                _held ??= [];
                _checkWanted = false;
                _heldBeforeRead = _held.Count;
                plan = new ReadPlan(true, _head.Offset, _head, _fence);
                _fence = default;
                _requests.ForEach(request => request.Checking = true);
            }
            else
            {
                plan = new ReadPlan(false, _requests.Min(request => request.After.Offset), _head, default);
            }

            return true;
        }
    }

    private void Apply(in ReadPlan plan, LogPage page)
    {
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
        else if (page.Last < plan.Head.Offset)
        {
            // The log lost events that were delivered. Whoever publishes next would give their offsets to others.
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

    private void CatchUp(LogPage page)
    {
        if (page.First > _head.Offset + 1)
        {
            TellGap(GapReason.Expired, _head.Offset + 1, page.First - 1, new Position(page.Epoch, page.First - 1));
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
        var head = page.Epoch == default ? default : new Position(page.Epoch, page.First - 1);
        if (page.Epoch == default && _time.GetElapsedTime(_lastEventAt) >= _idleExpiry)
        {
            // It went as its retention says, and everybody here had everything.
            MoveTo(head);
        }
        else
        {
            TellGap(GapReason.Epoch, _head.Offset + 1, null, head);
        }

        _logFirst = page.First;
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
            if (entry.Position.Offset == RingFirst - 1 && !_ring.TryAddFirst(entry))
            {
                return;
            }
        }
    }

    /// <param name="request">What is asked for.</param>
    /// <param name="page">What was just read, of the hub's epoch; or null.</param>
    private bool TryComplete(HistoryRequest request, LogPage? page)
    {
        if (request.Clamp && !request.IsOf(_head.Epoch))
        {
            // The log changed while it waited; it had no position to lose.
            request.After = default;
        }

        if (!request.IsOf(_head.Epoch) && request.After != default)
        {
            return request.Confirmed && CompleteWithGap(request, GapReason.Epoch, request.After.Offset + 1, null, new Position(_head.Epoch, Math.Max(0, _logFirst - 1)));
        }

        var after = new Position(_head.Epoch, request.After.Offset);
        if (after.Offset > _head.Offset)
        {
            return request.Confirmed && CompleteWithGap(request, GapReason.UnknownPosition, null, _head.Offset, _head);
        }

        if (request.Clamp && after.Offset < _logFirst - 1)
        {
            after = after with { Offset = Math.Min(_logFirst, RingFirst) - 1 };
        }

        request.After = after;
        if (after.Offset >= RingFirst - 1)
        {
            request.Complete(_ring.Slice(after.Offset, request.MaxBytes));
            return true;
        }

        if (after.Offset < _logFirst - 1)
        {
            return CompleteWithGap(request, GapReason.Expired, after.Offset + 1, _logFirst - 1, new Position(_head.Epoch, _logFirst - 1));
        }

        if (page is { Entries: [var first, ..] entries } && after.Offset >= first.Position.Offset - 1 && after.Offset < entries[^1].Position.Offset)
        {
            // Not beyond the head: the shards get what follows it as live events.
            var end = (int)Math.Min(entries.Length, _head.Offset - first.Position.Offset + 1);
            request.Complete(Take(entries.AsSpan((int)(after.Offset - first.Position.Offset + 1)..end), request.MaxBytes));
            return true;
        }

        return false;
    }

    private bool CompleteWithGap(HistoryRequest request, string reason, long? from, long? to, Position position)
    {
        request.Complete([StreamGap.Create(Topic, reason, from, to, position)]);
        return true;
    }

    private static LogEntry[] Take(ReadOnlySpan<LogEntry> entries, int maxBytes)
    {
        var count = 0;
        for (long bytes = 0; count < entries.Length && (count == 0 || bytes + entries[count].Size <= maxBytes); count++)
        {
            bytes += entries[count].Size;
        }

        return entries[..count].ToArray();
    }

    [LoggerMessage(LogLevel.Error, "Reading the log of topic {Topic} failed; it is tried again.")]
    private static partial void LogReadFailed(ILogger logger, Exception exception, string topic);

    /// <param name="IsCheck">Reads on from the head, to catch up.</param>
    /// <param name="After">The offset to read from.</param>
    /// <param name="Head">The hub's head when the read began.</param>
    /// <param name="Fence">The epoch whose log is to be dropped first, if any.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct ReadPlan(bool IsCheck, long After, Position Head, Epoch Fence);
}
