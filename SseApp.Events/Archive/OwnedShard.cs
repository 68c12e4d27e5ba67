using SseApp.Events.Log;

namespace SseApp.Events.Archive;

/// <summary>A shard that this replica archives, and what it knows of its topics.</summary>
/// <param name="number">Its number.</param>
/// <param name="time">What it rests by.</param>
/// <param name="rest">How long before it is looked at first.</param>
internal sealed class OwnedShard(int number, TimeProvider time, TimeSpan rest)
{
    // Beyond that many the ends are read again.
    private const int MaxEnds = 200_000;

    private long _restsSince = time.GetTimestamp();
    private TimeSpan _rest = rest;

    public int Number => number;

    /// <summary>See <see cref="IEventArchive.ClaimAsync"/>; null before the database was asked. Nothing that it says before is sure to stay.</summary>
    public long? Fence { get; set; }

    /// <summary>Topics that may have events that are not archived, in the order in which they were named.</summary>
    public HashSet<string> Pending { get; } = new(StringComparer.Ordinal);

    /// <summary>Where archives end, as far as it is known. True as long as nobody else writes the shard.</summary>
    public Dictionary<ArchivedLog, ArchiveEnd> Ends { get; } = [];

    /// <summary>The epochs that topics are in, as far as it is known.</summary>
    public Dictionary<string, Epoch> Epochs { get; } = new(StringComparer.Ordinal);

    /// <summary>What is known not to be archived, by topic.</summary>
    public Dictionary<string, Backlog> Backlogs { get; } = new(StringComparer.Ordinal);

    /// <summary>What is archived by now, and Redis does not know of it yet, by topic.</summary>
    public Dictionary<string, Archived> Unmarked { get; } = new(StringComparer.Ordinal);

    /// <summary>It had more than a batch has room for when it was looked at last, or has a topic that must not wait.</summary>
    public bool IsBehind { get; set; }

    /// <summary>It is its turn.</summary>
    public bool IsDue => IsBehind || time.GetElapsedTime(_restsSince) >= _rest;

    /// <summary>How often it was looked at.</summary>
    public int Rounds { get; set; }

    /// <summary>All its topics are to be compared with the archive.</summary>
    public bool SweepWanted { get; set; } = true;

    /// <summary>The topic's log, and where its archive ends; null while that is not known, or when there is no log.</summary>
    public (ArchivedLog Log, ArchiveEnd End)? Find(string topic) =>
        Epochs.TryGetValue(topic, out var epoch) && new ArchivedLog(topic, epoch) is var log && Ends.TryGetValue(log, out var end) ? (log, end) : null;

    /// <summary>It was looked at. In its old place among the others it is looked at again, however late it was this time.</summary>
    public void Rest(TimeSpan interval)
    {
        var late = time.GetElapsedTime(_restsSince) - _rest;
        _restsSince = time.GetTimestamp();
        _rest = late > TimeSpan.Zero && late < interval ? interval - late : interval;
    }

    public void Learn(ArchivedLog log, ArchiveEnd end)
    {
        if (Ends.Count >= MaxEnds)
        {
            Ends.Clear();
            Epochs.Clear();
        }

        Ends[log] = end;
        Epochs[log.Topic] = log.Epoch;
    }

    /// <summary>So many events of the topic are not archived; if there were none before, for as long as nobody looked.</summary>
    public void Count(string topic, long events, long nowMicroseconds)
    {
        if (events > 0)
        {
            Backlogs[topic] = new Backlog(events, Backlogs.TryGetValue(topic, out var known) ? known.SinceMicroseconds : nowMicroseconds);
        }
        else
        {
            Backlogs.Remove(topic);
        }
    }

    /// <summary>The database may not be as it was.</summary>
    public void Forget()
    {
        Ends.Clear();
        Epochs.Clear();
        Unmarked.Clear();
        SweepWanted = true;
    }

    /// <summary>Events of a topic that are not archived, and when the oldest of them was published.</summary>
    [StructLayout(LayoutKind.Auto)]
    internal readonly record struct Backlog(long Events, long SinceMicroseconds);

    /// <summary>The last event of a topic that is archived, and how much of it Redis does not know.</summary>
    [StructLayout(LayoutKind.Auto)]
    internal readonly record struct Archived(Position Last, long Events, long Bytes)
    {
        public Archived With(Position last, int events, long bytes) => new(last, Events + events, Bytes + bytes);
    }
}
