using SseApp.Events.Log;

namespace SseApp.Events.Archive;

/// <summary>Finds events by the time at which they were published, in the archive and in the log.</summary>
internal sealed class HistorySearch(ITopicLog log, TimeProvider time, ArchiveHistory? archive = null)
{
    // Replicas' clocks differ a little, so that times are nearly in the order of offsets, and not exactly.
    private const int Nearby = 256;
    private const int NearbyBytes = 1024 * 1024;

    /// <summary>The position behind which the first event is that was published at or after a moment; the newest event if there is none.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="from">The moment.</param>
    /// <param name="limit">How long the archive may take, and then the log.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArchiveUnavailableException">The archive cannot be read, or does not answer in time.</exception>
    /// <exception cref="TimeoutException">The log does not answer in time.</exception>
    public async Task<Position> FindAsync(string topic, DateTimeOffset from, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (archive?.Covers(topic) == true && await AskAsync(archive, topic, from, limit, cancellationToken) is { } archived)
        {
            return archived with { Offset = archived.Offset - 1 };
        }

        return await FindInLogAsync(topic, from).WaitAsync(limit, time, cancellationToken);
    }

    private async Task<Position?> AskAsync(ArchiveHistory archive, string topic, DateTimeOffset from, TimeSpan limit, CancellationToken cancellationToken)
    {
        try
        {
            return await archive.FindAsync(topic, from, cancellationToken).WaitAsync(limit, time, cancellationToken);
        }
        catch (TimeoutException exception)
        {
            throw ArchiveUnavailableException.Silent(exception);
        }
    }

    private async Task<Position> FindInLogAsync(string topic, DateTimeOffset from)
    {
        var range = await log.ReadAsync(topic, after: 0, maxEvents: 0, maxBytes: 0);
        var wanted = from.UnixMicroseconds();
        var (low, high) = (range.First, range.Last + 1);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            var page = await log.ReadAsync(topic, middle - 1, maxEvents: 1, maxBytes: 0);
            if (page.Epoch != range.Epoch || page.Entries is not [var entry])
            {
                break;
            }

            (low, high) = entry.PublishedAtMicroseconds < wanted ? (Math.Max(middle, entry.Position.Offset) + 1, high) : (low, middle);
        }

        var near = await log.ReadAsync(topic, Math.Max(0, low - 1 - Nearby), Nearby, NearbyBytes);
        var first = near.Epoch == range.Epoch ? Array.Find(near.Entries, entry => entry.GapReason is null && entry.PublishedAtMicroseconds >= wanted) : null;
        return first is not null && first.Position.Offset < low ? first.Position with { Offset = first.After } : new Position(range.Epoch, low - 1);
    }
}
