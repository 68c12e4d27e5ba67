using SseApp.Events.Archive;
using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.Events.Log;

namespace SseApp.Events.Topics;

/// <content>
/// Those who want events that Redis no longer holds, in a loop of its own: a database that is slow or gone keeps nobody waiting whose
/// events are in the log.
/// </content>
internal sealed partial class TopicHub
{
    private readonly List<HistoryRequest> _archived = [];
    private readonly ArchiveHistory? _archive;
    private bool _readingArchive;
    private int _askingEpochs;

    /// <summary>Somebody waits for events, or for the epochs, that only the archive has.</summary>
    public bool WaitsForArchive
    {
        get
        {
            lock (_gate)
            {
                return _archived.Count > 0 || _askingEpochs > 0;
            }
        }
    }

    /// <returns>False when the topic has no archive.</returns>
    private bool TryAskArchive(HistoryRequest request)
    {
        if (_archive is null || _stopped.IsCancellationRequested)
        {
            return false;
        }

        request.AskedAt = _archive.Now;
        _archived.Add(request);
        if (!_readingArchive)
        {
            _readingArchive = true;
            _ = ReadArchiveAsync(_archive);
        }

        return true;
    }

    private async Task ReadArchiveAsync(ArchiveHistory archive)
    {
        // Leaves the caller's lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (TryPlanArchive(out var request, out var epoch, out var after, out var before))
        {
            try
            {
                if (request is not null)
                {
                    var earlier = await archive.ReadEarlierAsync(Topic, request.Fits, epoch, request.After, request.AskedAt, _stopped);
                    lock (_gate)
                    {
                        Apply(request, earlier);
                    }
                }
                else
                {
                    var entries = await archive.ReadAsync(new ArchivedLog(Topic, epoch), after, before, _stopped);
                    lock (_gate)
                    {
                        _archived.RemoveAll(waiting => TryComplete(waiting, epoch, after, entries));
                    }
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
                    LogArchiveFailed(_logger, exception, Topic);
                }

                lock (_gate)
                {
                    _archived.ForEach(waiting => waiting.Fail(exception));
                    _archived.Clear();
                }
            }
        }
    }

    /// <summary>What to read next: the events of an earlier epoch for one request, or else those before the log for all others.</summary>
    private bool TryPlanArchive(out HistoryRequest? request, out Epoch epoch, out long after, out long before)
    {
        lock (_gate)
        {
            // What the log has by now, as after a change of its epoch, is asked for there.
            foreach (var waiting in _archived.Where(waiting => waiting.Fits(_head.Epoch) && waiting.After >= _logFirst - 1).ToArray())
            {
                _archived.Remove(waiting);
                Add(waiting);
            }

            (epoch, before) = (_head.Epoch, _logFirst);
            request = _archived.Find(waiting => !waiting.Fits(_head.Epoch));
            after = request is null && _archived.Count > 0 ? _archived.Min(waiting => waiting.After) : 0;
            _readingArchive = _archived.Count > 0 && !_stopped.IsCancellationRequested;
            return _readingArchive;
        }
    }

    private void Apply(HistoryRequest request, EarlierEvents earlier)
    {
        if (!_archived.Remove(request))
        {
            return;
        }

        if (earlier.Entries.Length > 0)
        {
            var after = request.After;
            request.MoveTo(new Position(earlier.Epoch, after));
            Complete(request, LogEntries.Take(Topic, earlier.Entries, after, request.MaxBytes), HistorySource.Archive);
            return;
        }

        // From its beginning: what is missing there is a gap of its own.
        CompleteWithGap(request, GapReason.Epoch, request.After + 1, null, new Position(earlier.Next, 0));
    }

    /// <param name="request">Somebody who waits.</param>
    /// <param name="epoch">Of the log that was read.</param>
    /// <param name="after">The offset behind which it was read.</param>
    /// <param name="entries">What was read.</param>
    private bool TryComplete(HistoryRequest request, Epoch epoch, long after, LogEntry[] entries)
    {
        if (epoch != _head.Epoch || !request.Fits(epoch) || request.After < after || entries is not [.., var last] || request.After >= last.Position.Offset)
        {
            return false;
        }

        var rest = entries.AsSpan(LogEntries.CountThrough(entries, request.After)..);
        if (request.Clamp && rest[0] is { GapReason: not null } gap)
        {
            // Whoever begins with the oldest event there is misses nothing that came before it.
            request.MoveTo(gap.Position);
            rest = rest[1..];
            if (rest.IsEmpty)
            {
                return false;
            }
        }
        else
        {
            request.MoveTo(new Position(epoch, request.After));
        }

        return Complete(request, LogEntries.Take(Topic, rest, request.After, request.MaxBytes), HistorySource.Archive);
    }

    [LoggerMessage(LogLevel.Error, "Reading the archive of topic {Topic} failed; the streams that need it end, and their clients come back.")]
    private static partial void LogArchiveFailed(ILogger logger, Exception exception, string topic);
}
