using SseApp.Events.Archive;
using SseApp.Events.Log;

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

    /// <summary>Compares the newest event with the log's, and catches up or reports a gap if they differ.</summary>
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

                var page = await ReadLogAsync(plan);
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
                if (!RedisErrors.IsUnavailable(exception) && exception is not ArchiveUnavailableException)
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

    private async Task<LogPage> ReadLogAsync(ReadPlan plan)
    {
        var page = await _log.ReadAsync(Topic, plan.After, MaxPageEvents, MaxPageBytes);
        if (_archive is null || !plan.IsCheck || page.First <= plan.After + 1 || page.Epoch != plan.Head.Position.Epoch)
        {
            return page;
        }

        // The hub is further behind than Redis goes back.
        var entries = await _archive.ReadAsync(new ArchivedLog(Topic, page.Epoch), plan.After, page.First, _stopped);
        return page with { First = plan.After + 1, Entries = entries };
    }

    private bool TryPlan(out ReadPlan plan)
    {
        lock (_gate)
        {
            var stale = _requests.Exists(request => !request.Confirmed && (!request.Fits(_head.Epoch) || request.After > _head.Offset));
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
                plan = new ReadPlan(false, _requests.Min(request => request.After), Head, default);
            }

            return true;
        }
    }

    [LoggerMessage(LogLevel.Error, "Reading the log of topic {Topic} failed; the next attempt follows in half a second.")]
    private static partial void LogReadFailed(ILogger logger, Exception exception, string topic);

    /// <param name="IsCheck">Reads on from the head, to catch up.</param>
    /// <param name="After">The offset to read from.</param>
    /// <param name="Head">The hub's head when the read began.</param>
    /// <param name="Fence">The epoch whose log is to be dropped first, if any.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct ReadPlan(bool IsCheck, long After, LogEnd Head, Epoch Fence);
}
