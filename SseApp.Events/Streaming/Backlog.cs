using System.Numerics;
using System.Runtime.InteropServices;
using SseApp.Events.Log;

namespace SseApp.Events.Streaming;

/// <summary>
/// The events that wait for one client, in order. Their bytes are shared by all connections and not copied. A ring in
/// which a dropped or replaced event leaves an empty place until the reader passes it.
/// </summary>
internal sealed class Backlog(BacklogTotal total)
{
    private const int InitialCapacity = 16;

    private Frame[] _frames = new Frame[InitialCapacity];
    private long _head;
    private long _tail;
    private int _live;
    private Dictionary<(int Slot, string Key), long>? _newest;
    private Dictionary<int, Gap>? _gaps;

    /// <summary>What the waiting events would add to the client's output.</summary>
    public int Bytes { get; private set; }

    public bool IsEmpty => _live == 0 && _gaps is not { Count: > 0 };

    /// <summary>Events dropped or replaced since the backlog was last empty.</summary>
    public bool Overflowed { get; set; }

    // The entry's bytes are shared by all connections; what it would add to this one's output counts all the same.
    public static int Size(LogEntry entry) => entry.Block.Length + 32;

    public void Enqueue(LogEntry entry, int slot)
    {
        if (_tail - _head == _frames.Length)
        {
            Rebuild();
        }

        _frames[Index(_tail++)] = new Frame(entry, slot);
        _live++;
        Count(Size(entry));
    }

    /// <summary>Appends an event, instead of the waiting one with the same key.</summary>
    /// <returns>True when there was one.</returns>
    public bool EnqueueNewest(LogEntry entry, int slot)
    {
        _newest ??= [];
        var key = (slot, entry.Key!);
        var replaced = _newest.TryGetValue(key, out var place) && place >= _head && Clear(place);
        Enqueue(entry, slot);
        _newest[key] = _tail - 1;
        return replaced;
    }

    /// <summary>Drops the oldest events of a topic until at most <paramref name="limit"/> bytes wait.</summary>
    public void DropOldest(int slot, int limit)
    {
        for (var place = _head; place < _tail && Bytes > limit; place++)
        {
            ref var frame = ref _frames[Index(place)];
            if (frame.Slot == slot && frame.Entry is { GapReason: null } entry)
            {
                Drop(entry, slot);
                Clear(place);
            }
        }
    }

    /// <summary>Takes the next event, or the gap that dropped ones left before it.</summary>
    public bool TryDequeue(string[] topics, out LogEntry entry, out int slot)
    {
        while (_head < _tail)
        {
            var frame = _frames[Index(_head)];
            if (frame.Entry is { } next)
            {
                slot = frame.Slot;
                if (!TryTakeGap(topics, slot, out entry))
                {
                    entry = next;
                    Clear(_head++);
                }

                return true;
            }

            _head++;
        }

        foreach (var waiting in _gaps?.Keys ?? Enumerable.Empty<int>())
        {
            slot = waiting;
            return TryTakeGap(topics, slot, out entry);
        }

        entry = null!;
        slot = 0;
        return false;
    }

    /// <summary>Makes it ready for another connection.</summary>
    public void Reset()
    {
        Array.Clear(_frames);
        (_head, _tail, _live, _newest, _gaps, Overflowed) = (0, 0, 0, null, null, false);
        Count(-Bytes);
    }

    /// <summary>Whether it is small enough to be kept for another connection.</summary>
    public bool IsReusable => _frames.Length <= 256;

    private void Drop(LogEntry entry, int slot)
    {
        _gaps ??= [];
        ref var gap = ref CollectionsMarshal.GetValueRefOrAddDefault(_gaps, slot, out var exists);
        var from = exists && gap.Last.Epoch == entry.Position.Epoch ? gap.From : entry.Position.Offset;
        gap = new Gap(from, entry.Position);
    }

    private bool TryTakeGap(string[] topics, int slot, out LogEntry entry)
    {
        if (_gaps is null || !_gaps.Remove(slot, out var gap))
        {
            entry = null!;
            return false;
        }

        entry = StreamGap.Create(topics[slot], GapReason.Overflow, gap.From, gap.Last.Offset, gap.Last);
        return true;
    }

    private bool Clear(long place)
    {
        ref var frame = ref _frames[Index(place)];
        if (frame.Entry is not { } entry)
        {
            return false;
        }

        frame = default;
        _live--;
        Count(-Size(entry));
        return true;
    }

    private void Count(int bytes)
    {
        Bytes += bytes;
        total.Bytes += bytes;
    }

    private int Index(long place) => (int)(place & (_frames.Length - 1));

    /// <summary>Removes empty places, and grows when that would not make enough room.</summary>
    private void Rebuild()
    {
        var frames = new Frame[BitOperations.RoundUpToPowerOf2((uint)Math.Max(InitialCapacity, (_live * 2) + 1))];
        var count = 0;
        _newest?.Clear();
        for (var place = _head; place < _tail; place++)
        {
            if (_frames[Index(place)] is { Entry: { } entry } frame)
            {
                if (entry.Key is not null && _newest is not null)
                {
                    _newest[(frame.Slot, entry.Key)] = count;
                }

                frames[count++] = frame;
            }
        }

        (_frames, _head, _tail) = (frames, 0, count);
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Frame(LogEntry? Entry, int Slot);

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Gap(long From, Position Last);
}
