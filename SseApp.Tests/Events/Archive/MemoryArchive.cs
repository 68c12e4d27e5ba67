using System.Runtime.InteropServices;
using SseApp.Events.Archive;

namespace SseApp.Tests.Events.Archive;

/// <summary>An archive in memory that keeps what every provider promises, and can fall back to what a standby had.</summary>
internal sealed class MemoryArchive(TimeProvider clock) : IEventArchive
{
    private static readonly TimeSpan s_remembered = TimeSpan.FromDays(7);

    private readonly Lock _gate = new();
    private State _state = new();
    private State _standby = new();
    private long _lastFence;

    /// <summary>History is read from the standby, unless the newest is asked for.</summary>
    public bool ReadsStandby { get; init; }

    /// <summary>The standby gets everything up to now.</summary>
    public void Replicate()
    {
        lock (_gate)
        {
            _standby = _state.Clone();
        }
    }

    /// <summary>The primary is gone, and the standby is promoted: what it had not got is lost.</summary>
    public void FailOver()
    {
        lock (_gate)
        {
            _state = _standby.Clone();
        }
    }

    public Task PrepareAsync(CancellationToken cancellationToken) => Do(_ => true, cancellationToken);

    public Task CheckAsync(CancellationToken cancellationToken) => Do(_ => true, cancellationToken);

    public Task<IReadOnlyDictionary<string, long>> MeetAsync(string cluster, CancellationToken cancellationToken) => Do<IReadOnlyDictionary<string, long>>(
        state =>
        {
            state.Clusters[cluster] = state.Clusters.GetValueOrDefault(cluster) + 1;
            return state.Clusters.Where(other => other.Key != cluster).ToDictionary(StringComparer.Ordinal);
        },
        cancellationToken);

    public Task<long> ClaimAsync(int shard, CancellationToken cancellationToken) =>
        // A standby that lacks a number must not hand it out once more.
        Do(state => state.Fences[shard] = ++_lastFence, cancellationToken);

    public Task<ArchiveEnd[]> GetEndsAsync(IReadOnlyList<ArchivedLog> logs, CancellationToken cancellationToken) =>
        Do(state => logs.Select(log => state.Logs.TryGetValue(log, out var found) ? new ArchiveEnd(found.End, found.Published, found.IsDeleted) : default).ToArray(), cancellationToken);

    public Task WriteAsync(ArchiveBatch batch, CancellationToken cancellationToken) => Do(
        state =>
        {
            if (!state.Fences.TryGetValue(batch.Shard, out var fence) || fence != batch.Fence)
            {
                throw new ArchiveConflictException("The shard is another writer's.") { IsFenced = true };
            }

            foreach (var run in batch.Runs)
            {
                var log = state.Logs.GetValueOrDefault(run.Log);
                if (log?.IsDeleted == true || (log?.End ?? 0) != run.After)
                {
                    throw new ArchiveConflictException($"The log does not end at {run.After}.");
                }
            }

            foreach (var run in batch.Runs)
            {
                Write(state.Know(run.Log), run);
            }

            return true;
        },
        cancellationToken);

    public Task<ArchivePage> ReadAsync(ArchivedLog log, long after, int maxEvents, int maxBytes, bool newest, CancellationToken cancellationToken) => Read(
        newest,
        state =>
        {
            var events = new List<ArchivedEvent>();
            if (!state.Logs.TryGetValue(log, out var found) || found.Events.Count == 0)
            {
                return new ArchivePage(events, 0);
            }

            var bytes = 0L;
            foreach (var row in found.Events.Where(row => row.Event.Offset > after).Take(maxEvents))
            {
                bytes += row.Event.Block.Length;
                if (bytes > maxBytes && events.Count > 0)
                {
                    break;
                }

                events.Add(row.Event);
            }

            return new ArchivePage(events, found.Events[0].Event.Offset);
        },
        cancellationToken);

    public Task<ArchivedEpoch[]> GetEpochsAsync(string topic, bool newest, CancellationToken cancellationToken) => Read(
        newest,
        state => state.Of(topic).Where(log => log.Value.Events.Count > 0)
            .Select(log => new ArchivedEpoch(log.Key.Epoch, log.Value.Events[0].Event.Offset, log.Value.Events[^1].Event.Offset, Time(log.Value.Events[0]), Time(log.Value.Events[^1]))).ToArray(),
        cancellationToken);

    public Task<Position?> FindAsync(string topic, DateTimeOffset from, CancellationToken cancellationToken) => Do(
        state => state.Of(topic)
            .SelectMany(log => log.Value.Events.Where(row => Time(row) >= from).Select(row => (Position?)new Position(log.Key.Epoch, row.Event.Offset)))
            .FirstOrDefault(),
        cancellationToken);

    public Task<bool> DeleteAsync(string topic, Epoch current, CancellationToken cancellationToken) => Do(
        state =>
        {
            if (current != default)
            {
                state.Know(new ArchivedLog(topic, current)).Touched = clock.GetUtcNow();
            }

            var any = false;
            foreach (var log in state.Of(topic))
            {
                any |= log.Value.Events.Count > 0;
                log.Value.Events.Clear();
                log.Value.IsDeleted = true;
            }

            return any;
        },
        cancellationToken);

    public Task<long> EraseAsync(string topic, string key, Position through, CancellationToken cancellationToken) => Do(
        state =>
        {
            if (through != default)
            {
                state.Know(new ArchivedLog(topic, through.Epoch)).Touched = clock.GetUtcNow();
            }

            var count = 0L;
            foreach (var log in state.Of(topic).Where(log => !log.Value.IsDeleted))
            {
                var last = log.Value.Erased[key] = Math.Max(log.Value.Erased.GetValueOrDefault(key), log.Key.Epoch == through.Epoch ? through.Offset : long.MaxValue);
                for (var i = 0; i < log.Value.Events.Count; i++)
                {
                    if (log.Value.Events[i] is var row && row.Event.Key == key && row.Event.Offset <= last)
                    {
                        log.Value.Events[i] = row with { Event = row.Event with { Key = null, Block = [] } };
                        count++;
                    }
                }
            }

            return count;
        },
        cancellationToken);

    public Task ExpireAsync(DateTimeOffset now, CancellationToken cancellationToken) => Do(
        state =>
        {
            foreach (var log in state.Logs.Values)
            {
                log.Events.RemoveAll(row => row.ExpiresAt <= now);
            }

            foreach (var gone in state.Logs.Where(log => log.Value.Events.Count == 0 && log.Value.Touched + log.Value.Retention + (log.Value.Retention / 30) + s_remembered < now).ToArray())
            {
                state.Logs.Remove(gone.Key);
            }

            return true;
        },
        cancellationToken);

    private static DateTimeOffset Time(Row row) => DateTimeOffset.UnixEpoch.AddTicks(row.Event.PublishedAtMicroseconds * TimeSpan.TicksPerMicrosecond);

    private void Write(Log log, ArchiveRun run)
    {
        var now = clock.GetUtcNow();
        foreach (var entry in run.Entries)
        {
            var isErased = entry.Key is { } key && log.Erased.GetValueOrDefault(key) >= entry.Position.Offset;
            var row = new Row(new ArchivedEvent(entry.Position.Offset, entry.PublishedAtMicroseconds, isErased ? null : entry.Key, isErased ? [] : entry.Block.ToArray()), default);
            var at = Time(row) < now ? Time(row) : now;
            row = row with { ExpiresAt = at + run.Retention + (run.Retention / 30) };
            if (row.ExpiresAt > now)
            {
                log.Events.Add(row);
            }

            (log.End, log.Published) = (entry.Position.Offset, entry.PublishedAtMicroseconds);
        }

        log.Retention = run.Retention > log.Retention ? run.Retention : log.Retention;
        log.Touched = now;
    }

    private Task<T> Do<T>(Func<State, T> action, CancellationToken cancellationToken) => Read(newest: true, action, cancellationToken);

    private Task<T> Read<T>(bool newest, Func<State, T> action, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<T>(cancellationToken);
        }

        lock (_gate)
        {
            try
            {
                return Task.FromResult(action(newest || !ReadsStandby ? _state : _standby));
            }
            catch (ArchiveConflictException exception)
            {
                return Task.FromException<T>(exception);
            }
        }
    }

    private sealed class State
    {
        public Dictionary<int, long> Fences { get; private init; } = [];

        public Dictionary<string, long> Clusters { get; private init; } = [];

        public Dictionary<ArchivedLog, Log> Logs { get; private init; } = [];

        public Log Know(ArchivedLog log)
        {
            if (!Logs.TryGetValue(log, out var known))
            {
                known = new Log { Place = Logs.Count == 0 ? 1 : Logs.Values.Max(other => other.Place) + 1 };
                Logs.Add(log, known);
            }

            return known;
        }

        public IEnumerable<KeyValuePair<ArchivedLog, Log>> Of(string topic) => Logs.Where(log => log.Key.Topic == topic).OrderBy(log => log.Value.Place);

        public State Clone() => new() { Fences = new(Fences), Clusters = new(Clusters), Logs = Logs.ToDictionary(log => log.Key, log => log.Value.Clone()) };
    }

    private sealed class Log
    {
        public long Place { get; init; }

        public List<Row> Events { get; private init; } = [];

        public Dictionary<string, long> Erased { get; private init; } = [];

        public long End { get; set; }

        public long Published { get; set; }

        public bool IsDeleted { get; set; }

        public TimeSpan Retention { get; set; }

        public DateTimeOffset Touched { get; set; }

        public Log Clone() => new()
        {
            Place = Place,
            Events = [.. Events],
            Erased = new(Erased),
            End = End,
            Published = Published,
            IsDeleted = IsDeleted,
            Retention = Retention,
            Touched = Touched,
        };
    }

    /// <summary>A stored event.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Row(ArchivedEvent Event, DateTimeOffset ExpiresAt);
}
