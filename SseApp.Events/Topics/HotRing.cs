using SseApp.Events.Log;

namespace SseApp.Events.Topics;

/// <summary>
/// A topic's recent events, contiguous and of one epoch, bounded in bytes: there may be none. Not thread-safe.
/// </summary>
internal sealed class HotRing(RingBudget budget)
{
    private LogEntry?[] _entries = [];
    private int _start;
    private long _bytes;

    public int Count { get; private set; }

    /// <summary>The oldest offset; only while <see cref="Count"/> is not 0.</summary>
    public long First => At(0).Position.Offset;

    public LogEntry? Find(long offset)
    {
        var index = Count == 0 ? -1 : offset - First;
        return index >= 0 && index < Count ? At((int)index) : null;
    }

    /// <summary>True if this event and those that are kept cannot be of one log.</summary>
    public bool Contradicts(LogEntry entry)
    {
        var next = Find(entry.Position.Offset + 1);
        return (next is not null && !LogEnd.AreSame(next.Previous, entry.PublishedAtMicroseconds))
            || (Find(entry.Position.Offset) is { } known && !LogEnd.AreSame(known.PublishedAtMicroseconds, entry.PublishedAtMicroseconds));
    }

    /// <summary>Adds the event after the newest one, and lets the oldest ones go, this one too, as the budget demands.</summary>
    public void AddLast(LogEntry entry)
    {
        Grow();
        _entries[(_start + Count++) % _entries.Length] = entry;
        Charge(entry.Size);
        while (Count > 0 && (_bytes > budget.PerTopic || budget.IsExceeded))
        {
            Charge(-At(0).Size);
            _entries[_start] = null;
            _start = (_start + 1) % _entries.Length;
            Count--;
        }
    }

    /// <summary>Adds the event before the oldest one.</summary>
    /// <returns>False when the budget has no room for it.</returns>
    public bool TryAddFirst(LogEntry entry)
    {
        if (_bytes + entry.Size > budget.PerTopic || budget.IsExceeded)
        {
            return false;
        }

        Grow();
        _start = (_start + _entries.Length - 1) % _entries.Length;
        _entries[_start] = entry;
        Count++;
        Charge(entry.Size);
        return true;
    }

    /// <summary>Events after an offset that is not older than <see cref="First"/> - 1; one at least, if there is one.</summary>
    /// <param name="after">The offset.</param>
    /// <param name="maxBytes">The most that they may have together.</param>
    /// <param name="through">The newest that may be among them.</param>
    public LogEntry[] Slice(long after, int maxBytes, long through = long.MaxValue)
    {
        var index = Count == 0 ? 0 : (int)(after + 1 - First);
        var end = index;
        for (long bytes = 0; end < Count && At(end).Position.Offset <= through && (end == index || bytes + At(end).Size <= maxBytes); end++)
        {
            bytes += At(end).Size;
        }

        var slice = new LogEntry[end - index];
        for (var i = 0; i < slice.Length; i++)
        {
            slice[i] = At(index + i);
        }

        return slice;
    }

    public void Clear()
    {
        Charge(-_bytes);
        _entries = [];
        _start = 0;
        Count = 0;
    }

    private LogEntry At(int index) => _entries[(_start + index) % _entries.Length]!;

    private void Grow()
    {
        if (Count < _entries.Length)
        {
            return;
        }

        var larger = new LogEntry?[Math.Max(4, _entries.Length * 2)];
        for (var i = 0; i < Count; i++)
        {
            larger[i] = At(i);
        }

        _entries = larger;
        _start = 0;
    }

    private void Charge(long bytes)
    {
        _bytes += bytes;
        budget.Add(bytes);
    }
}
