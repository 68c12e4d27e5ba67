using SseApp.Events.Diagnostics;
using SseApp.Events.Log;

namespace SseApp.Events.Archive;

/// <summary>
/// Reads the archive in pages that begin at the same offsets for everybody, and keeps the ones that were read last: a storm of
/// clients that read the same history costs one query a page, however they drift apart.
/// </summary>
internal sealed class ArchivePages(IEventArchive archive, ArchiveMetrics metrics, IOptions<ArchiveOptions> options, TimeProvider time) : IDisposable
{
    private const int PageEvents = 1_024;
    private const int PageBytes = 1024 * 1024;

    private const int MaxTopics = 10_000;

    // The archive grows behind a page that is not full.
    private static readonly TimeSpan s_partialLife = TimeSpan.FromSeconds(1);

    // What a standby still has of an erasure must not come into memory again. One that lags by more than this has other troubles.
    private static readonly TimeSpan s_lag = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<PageKey, LinkedListNode<Kept>> _kept = [];
    private readonly LinkedList<Kept> _order = new();
    private readonly Dictionary<PageKey, Task<CachedPage>> _reading = [];
    private readonly Dictionary<string, (long At, bool IsNewest, Task<ArchivedEpoch[]> Reading)> _epochs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _forgotten = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _reads = new(options.Value.MaxReads);
    private readonly CancellationTokenSource _stopping = new();
    private long _bytes;
    private long _generation;

    /// <summary>The page that has the event behind an offset; one that ends there or before says that the archive does, too.</summary>
    /// <exception cref="ArchiveUnavailableException">The archive cannot be read.</exception>
    public async Task<CachedPage> GetAsync(ArchivedLog log, long after, CancellationToken cancellationToken)
    {
        var start = after / PageEvents * PageEvents;
        while (true)
        {
            var page = await ReadAsync(new PageKey(log, start), cancellationToken);
            if (page.Last > after)
            {
                return page;
            }

            if (!page.IsFull)
            {
                // The primary has the last word: a standby may not have got the newest events yet.
                return await QueryAsync(log, after, newest: true, cancellationToken);
            }

            start = page.Last;
        }
    }

    /// <summary>Now, as <see cref="GetEpochsAsync"/> takes it.</summary>
    public long Now => time.GetTimestamp();

    /// <summary>As long ago as what is read for everybody may be.</summary>
    public long Recently => Now - (long)(s_partialLife.TotalSeconds * time.TimestampFrequency);

    /// <summary>The topic's epochs that have archived events, the oldest first.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="since">As the primary has them at this moment, or later; null: up to a second old, and as a standby has them.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<ArchivedEpoch[]> GetEpochsAsync(string topic, long? since, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_epochs.TryGetValue(topic, out var known) && !known.Reading.IsFaulted
                && (since is { } moment ? known.IsNewest && known.At >= moment : time.GetElapsedTime(known.At) < s_partialLife))
            {
                return known.Reading.WaitAsync(cancellationToken);
            }

            if (_epochs.Count >= MaxTopics)
            {
                _epochs.Clear();
            }

            var newest = since is not null || NeedsPrimary(topic);
            var reading = LoadEpochsAsync(topic, newest);
            _epochs[topic] = (Now, newest, reading);
            return reading.WaitAsync(cancellationToken);
        }
    }

    private async Task<ArchivedEpoch[]> LoadEpochsAsync(string topic, bool newest)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return await AskAsync(token => archive.GetEpochsAsync(topic, newest, token), _stopping.Token);
    }

    /// <summary>Something of the topic was erased or deleted; null: perhaps of any topic.</summary>
    public void Forget(string? topic)
    {
        lock (_gate)
        {
            // What is being read now may be from before it.
            _generation++;
            if (topic is not null)
            {
                if (_forgotten.Count >= MaxTopics)
                {
                    _forgotten.Clear();
                }

                _forgotten[topic] = Now;
            }

            _epochs.Clear();
            _reading.Clear();
            foreach (var node in _kept.Values.Where(node => topic is null || string.Equals(node.Value.Key.Log.Topic, topic, StringComparison.Ordinal)).ToArray())
            {
                Drop(node);
            }
        }
    }

    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
        _reads.Dispose();
    }

    private Task<CachedPage> ReadAsync(PageKey key, CancellationToken cancellationToken)
    {
        Task<CachedPage> reading;
        lock (_gate)
        {
            if (_kept.TryGetValue(key, out var node))
            {
                if (node.Value.Page.IsFull || time.GetElapsedTime(node.Value.ReadAt) < s_partialLife)
                {
                    _order.Remove(node);
                    _order.AddLast(node);
                    return Task.FromResult(node.Value.Page);
                }

                Drop(node);
            }

            if (!_reading.TryGetValue(key, out reading!))
            {
                // For all who want it, so none of them ends it.
                reading = LoadAsync(key, NeedsPrimary(key.Log.Topic), _generation);
                _reading.Add(key, reading);
            }
        }

        return reading.WaitAsync(cancellationToken);
    }

    private async Task<CachedPage> LoadAsync(PageKey key, bool newest, long generation)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        CachedPage? page = null;
        try
        {
            page = await QueryAsync(key.Log, key.Start, newest, _stopping.Token);
            return page;
        }
        finally
        {
            lock (_gate)
            {
                if (generation == _generation)
                {
                    _reading.Remove(key);
                    if (page is { Entries.Length: > 0 })
                    {
                        Keep(new Kept(key, page, time.GetTimestamp()));
                    }
                }
            }
        }
    }

    private async Task<CachedPage> QueryAsync(ArchivedLog log, long after, bool newest, CancellationToken cancellationToken)
    {
        var page = await AskAsync(token => archive.ReadAsync(log, after, PageEvents, PageBytes, newest, token), cancellationToken);
        var bytes = page.Events.Sum(entry => (long)entry.Block.Length);
        return new CachedPage(after, ToEntries(log, after, page.Events), IsFull: page.Events.Count >= PageEvents || bytes >= PageBytes / 2);
    }

    /// <summary>Asks the database in its turn.</summary>
    private async Task<T> AskAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        await _reads.WaitAsync(cancellationToken);
        try
        {
            metrics.Query();
            return await ask(cancellationToken);
        }
        finally
        {
            _reads.Release();
        }
    }

    private static LogEntry[] ToEntries(ArchivedLog log, long after, IReadOnlyList<ArchivedEvent> events)
    {
        var entries = new List<LogEntry>(events.Count);
        foreach (var stored in events)
        {
            if (stored.Offset > after + 1)
            {
                var last = stored.Offset - 1;
                entries.Add(StreamGap.Create(log.Topic, GapReason.Expired, after + 1, last, new Position(log.Epoch, last)));
            }

            after = stored.Offset;
            var position = new Position(log.Epoch, after);
            // Who can write to the database must not be able to say what only the server says.
            entries.Add(LogEntry.FromArchive(position, stored.PublishedAtMicroseconds, stored.Key, stored.Block)
                ?? StreamGap.Create(log.Topic, GapReason.Expired, after, after, position));
        }

        return [.. entries];
    }

    private bool NeedsPrimary(string topic) => _forgotten.TryGetValue(topic, out var at) && time.GetElapsedTime(at) < s_lag;

    private void Keep(Kept kept)
    {
        if (_kept.TryGetValue(kept.Key, out var old))
        {
            Drop(old);
        }

        _kept.Add(kept.Key, _order.AddLast(kept));
        _bytes += kept.Page.Bytes;
        while (_bytes > options.Value.CacheBytes && _order.First is { } oldest)
        {
            Drop(oldest);
        }
    }

    private void Drop(LinkedListNode<Kept> node)
    {
        _order.Remove(node);
        _kept.Remove(node.Value.Key);
        _bytes -= node.Value.Page.Bytes;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct PageKey(ArchivedLog Log, long Start);

    private sealed record Kept(PageKey Key, CachedPage Page, long ReadAt);
}
