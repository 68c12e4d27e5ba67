using System.Numerics;
using SseApp.Events.Log;

namespace SseApp.Events.FanOut;

/// <summary>
/// The events that wait for one client, in order. Their bytes are shared by all connections and not copied. A ring in
/// which a replaced event leaves an empty place until the reader passes it, and dropped ones a gap.
/// </summary>
internal sealed class Backlog(BacklogPool pool)
{
    private const int InitialCapacity = 16;

    private Frame[] _frames = new Frame[InitialCapacity];
    private long _head;
    private long _tail;
    private int _live;

    // Of the waiting events that another one may replace: their places.
    private Dictionary<(int Slot, string Key), long>? _newest;

    /// <summary>What the waiting events would add to the client's output.</summary>
    public int Bytes { get; private set; }

    public bool IsEmpty => _live == 0;

    /// <summary>Events dropped or replaced since the backlog was last empty.</summary>
    public bool Overflowed { get; set; }

    // The entry's bytes are shared by all connections; what it would add to this one's output counts all the same.
    public static int Size(LogEntry entry) => entry.Block.Length + 32;

    /// <param name="entry">The event.</param>
    /// <param name="slot">Its topic's place among the client's.</param>
    /// <param name="now">When it began to wait.</param>
    public void Enqueue(LogEntry entry, int slot, long now)
    {
        if (_tail - _head == _frames.Length)
        {
            Rebuild();
        }

        _frames[Index(_tail++)] = new Frame(entry, slot, now);
        _live++;
        Count(Size(entry));
    }

    /// <summary>Appends an event, instead of the waiting one with the same key.</summary>
    /// <returns>True when there was one.</returns>
    public bool EnqueueNewest(LogEntry entry, int slot, long now)
    {
        _newest ??= [];
        var key = (slot, entry.Key!);
        var replaced = _newest.Remove(key, out var place);
        if (replaced)
        {
            Clear(place);
        }

        Enqueue(entry, slot, now);
        _newest[key] = _tail - 1;
        return replaced;
    }

    /// <summary>The event that has waited longest.</summary>
    /// <returns>False when none waits; gaps may.</returns>
    public bool TryPeekOldest(out int slot, out long since)
    {
        Trim();
        for (var place = _head; place < _tail; place++)
        {
            var frame = _frames[Index(place)];
            if (frame.Item is LogEntry { GapReason: null })
            {
                (slot, since) = (frame.Slot, frame.Since);
                return true;
            }
        }

        (slot, since) = (0, 0);
        return false;
    }

    /// <summary>Drops the oldest events of a topic until at most <paramref name="limit"/> bytes wait.</summary>
    public void DropOldest(int slot, int limit)
    {
        Gap? gap = null;
        for (var place = _head; place < _tail && Bytes > limit; place++)
        {
            Drop(place, slot, ref gap);
        }

        Trim();
    }

    /// <summary>Drops the events of a topic that wait since <paramref name="moment"/> or longer.</summary>
    public void DropSince(int slot, long moment)
    {
        Gap? gap = null;
        for (var place = _head; place < _tail && _frames[Index(place)].Since <= moment; place++)
        {
            Drop(place, slot, ref gap);
        }

        Trim();
    }

    /// <summary>Takes the next event, or the gap that dropped ones left in their place.</summary>
    public bool TryDequeue(string[] topics, out LogEntry entry, out int slot)
    {
        Trim();
        if (_head == _tail)
        {
            (entry, slot) = (null!, 0);
            return false;
        }

        var frame = _frames[Index(_head)];
        slot = frame.Slot;
        entry = frame.Item as LogEntry ?? ((Gap)frame.Item!).ToEntry(topics[slot]);
        if (IsNewest(entry, slot, _head))
        {
            _newest!.Remove((slot, entry.Key!));
        }

        Clear(_head++);
        return true;
    }

    /// <summary>Makes it ready for another connection.</summary>
    public void Reset()
    {
        Array.Clear(_frames);
        (_head, _tail, _live, _newest, Overflowed) = (0, 0, 0, null, false);
        Count(-Bytes);
    }

    /// <summary>Whether it is small enough to be kept for another connection.</summary>
    public bool IsReusable => _frames.Length <= 256;

    /// <param name="place">What is to be dropped if it is an event of the topic.</param>
    /// <param name="slot">The topic.</param>
    /// <param name="gap">The topic's gap before this place; null if something of the topic that stays lies between.</param>
    private void Drop(long place, int slot, ref Gap? gap)
    {
        ref var frame = ref _frames[Index(place)];
        if (frame.Item is null || frame.Slot != slot)
        {
            return;
        }

        if (frame.Item is not LogEntry { GapReason: null } entry)
        {
            gap = frame.Item as Gap;
            if (gap is not null)
            {
                gap.Place = place;
            }

            return;
        }

        var since = frame.Since;
        Clear(place);
        if (gap?.Last.Epoch == entry.Position.Epoch)
        {
            // It moves to the newest event that it stands for.
            Clear(gap.Place);
        }
        else
        {
            gap = new Gap(entry.Position.Offset);
        }

        (gap.Last, gap.Place) = (entry.Position, place);
        frame = new Frame(gap, slot, since);
        _live++;
    }

    private void Trim()
    {
        while (_head < _tail && _frames[Index(_head)].Item is null)
        {
            _head++;
        }
    }

    private void Clear(long place)
    {
        ref var frame = ref _frames[Index(place)];
        if (frame.Item is LogEntry entry)
        {
            Count(-Size(entry));
        }

        frame = default;
        _live--;
    }

    private bool IsNewest(LogEntry entry, int slot, long place) =>
        entry.Key is not null && _newest is not null && _newest.TryGetValue((slot, entry.Key), out var newest) && newest == place;

    private void Count(int bytes)
    {
        Bytes += bytes;
        pool.Bytes += bytes;
    }

    private int Index(long place) => (int)(place & (_frames.Length - 1));

    /// <summary>Removes empty places, and grows when that would not make enough room.</summary>
    private void Rebuild()
    {
        var frames = new Frame[BitOperations.RoundUpToPowerOf2((uint)Math.Max(InitialCapacity, (_live * 2) + 1))];
        var count = 0;
        for (var place = _head; place < _tail; place++)
        {
            var frame = _frames[Index(place)];
            if (frame.Item is null)
            {
                continue;
            }

            if (frame.Item is LogEntry entry && IsNewest(entry, frame.Slot, place))
            {
                _newest![(frame.Slot, entry.Key!)] = count;
            }

            frames[count++] = frame;
        }

        (_frames, _head, _tail) = (frames, 0, count);
    }

    /// <param name="Item">A LogEntry or a Gap; null for an empty place.</param>
    /// <param name="Slot">The topic.</param>
    /// <param name="Since">When it began to wait.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Frame(object? Item, int Slot, long Since);

    /// <summary>Events of one epoch that were dropped one after another, in the place of the newest of them.</summary>
    private sealed class Gap(long from)
    {
        public Position Last { get; set; }

        /// <summary>Where it is; only of use while events are dropped.</summary>
        public long Place { get; set; }

        public LogEntry ToEntry(string topic) => StreamGap.Create(topic, GapReason.Overflow, from, Last.Offset, Last);
    }
}

/// <summary>The backlogs of one shard: what they hold together, and those that wait for a connection that needs one.</summary>
internal sealed class BacklogPool
{
    private const int MaxSpare = 64;

    private readonly Stack<Backlog> _spare = new();

    /// <summary>Bytes in all backlogs.</summary>
    public long Bytes { get; set; }

    public Backlog Rent() => _spare.TryPop(out var spare) ? spare : new Backlog(this);

    public void Return(Backlog backlog)
    {
        backlog.Reset();
        if (_spare.Count < MaxSpare && backlog.IsReusable)
        {
            _spare.Push(backlog);
        }
    }
}
