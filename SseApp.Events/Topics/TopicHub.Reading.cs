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

    private bool _reading;
    private bool _checkWanted;

    // The log of this epoch is to be dropped: it lost events that were delivered.
    private Epoch _fence;

    /// <summary>Compares the newest event with the log's, and catches up or tells a gap if they differ.</summary>
    public async Task CheckAsync()
    {
        LogEnd head;
        lock (_gate)
        {
            head = Head;
            if (_held is not null)
            {
                return;
            }
        }

        var end = await _log.GetEndAsync(Topic);
        lock (_gate)
        {
            // If events came in between, the channel works, and each of them was checked against the one before it.
            if (_held is null && head == Head && !end.IsSameAs(head))
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
        if (!_reading && _isStarted && !_stopped.IsCancellationRequested)
        {
            _reading = true;
            _ = ReadAsync();
        }
    }

    private async Task ReadAsync()
    {
        // Leaves the caller's lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (TryPlan(out var plan))
        {
            var (inTurn, failed) = (false, false);
            try
            {
                if (plan.IsCheck)
                {
                    await _turns.EnterAsync(_stopped);
                    inTurn = true;
                }

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
            catch (OperationCanceledException) when (_stopped.IsCancellationRequested)
            {
                return;
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

                failed = true;
            }
            finally
            {
                if (inTurn)
                {
                    _turns.Leave();
                }
            }

            if (failed)
            {
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
                plan = new ReadPlan(true, _head.Offset, Head, _fence);
                _fence = default;
                _requests.ForEach(request => request.Checking = true);
            }
            else
            {
                plan = new ReadPlan(false, _requests.Min(request => request.After.Offset), Head, default);
            }

            return true;
        }
    }

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

        var next = page.Entries is [var first, ..] ? head.Position.Offset + 1 - first.Position.Offset : -1;
        return next < 0 || next >= page.Entries.Length || LogEnd.AreSame(page.Entries[next].Previous, head.PublishedAtMicroseconds);
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
        if (page.Epoch == default && HasExpired())
        {
            // It went as its retention says, and everybody here had everything.
            MoveTo(default);
        }
        else
        {
            TellGap(GapReason.Epoch, _head.Offset + 1, null, page.Epoch == default ? default : new Position(page.Epoch, page.First - 1));
        }

        _logFirst = page.First;
    }

    private bool HasExpired() =>
        _headPublishedAt != 0 && _time.GetUtcNow().UnixMicroseconds() - _headPublishedAt >= _idleExpiry.TotalMicroseconds;

    [LoggerMessage(LogLevel.Error, "Reading the log of topic {Topic} failed; it is tried again.")]
    private static partial void LogReadFailed(ILogger logger, Exception exception, string topic);

    /// <param name="IsCheck">Reads on from the head, to catch up.</param>
    /// <param name="After">The offset to read from.</param>
    /// <param name="Head">The hub's head when the read began.</param>
    /// <param name="Fence">The epoch whose log is to be dropped first, if any.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct ReadPlan(bool IsCheck, long After, LogEnd Head, Epoch Fence);
}
