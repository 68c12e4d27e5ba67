using SseApp.Events.Diagnostics;
using SseApp.Events.Log;

namespace SseApp.Events.FanOut;

/// <summary>
/// The subscribers of one topic that belong to one shard, and the events that some of them do not have yet. Touched only
/// by the shard's loop, so it needs no lock.
/// </summary>
/// <remarks>
/// <para>
/// <b>Lagging.</b> A topic's events come faster than a loop can write them to ten thousand clients, so at any moment some
/// members have an event and others do not. Waiting events are kept once, in a list, however many members lack them. They
/// are numbered as they come, and each member has the number of the first event that it lacks (<c>Next</c>): it lags by
/// what is in the list from there on. To publish is to append to the list; to deliver is to read on from <c>Next</c>.
/// </para>
/// <para>
/// <b>Rounds.</b> The shard visits the members in a circle as long as one of them is behind, a few hundred at a time, and
/// takes in new events in between. At its turn a member gets <i>all</i> that it lacks, in one write. So an event waits for
/// one round at most, and the more events come during a round, the fewer writes each of them costs. When a round ends, the
/// list forgets what the member that lags most has.
/// </para>
/// <para>Three members, A, B and C, which have everything up to event 4 (<c>_behind</c>: turns until nobody lags):</para>
/// <code>
///                              waiting   A.Next  B.Next  C.Next  _behind
/// at rest                      -            5       5       5       0
/// Append(e5)                   e5           5       5       5       3
/// A's turn: takes e5           e5           6       5       5       2
/// Append(e6)                   e5 e6        6       5       5       3     A lacks e6, too: a whole circle from here
/// B's turn: takes e5 and e6    e5 e6        6       7       5       2
/// C's turn: takes e5 and e6    e5 e6        6       7       7       1
/// the round ends               e6           6       7       7       1     e5 is no longer lacking anywhere
/// A's turn: takes e6           e6           7       7       7       0
/// at rest                      -            7       7       7       0     B is the next to have a turn
/// </code>
/// <para>
/// <b>Slow clients</b> do not make the list grow. A member whose send is still under way takes its events at its turn like
/// the others, but into a <see cref="Backlog"/> of its own, and what is too much there is for its topic's overflow policy.
/// Here nothing is ever dropped, and a member lags by one round at most.
/// </para>
/// <para>
/// <b>Who joins</b> must have everything up to <see cref="Head"/> and lacks nothing of the list. <b>Who leaves</b> in the
/// middle of a round leaves a hole in its place until the round ends: were it filled with the last member, that one would
/// stand before the point where the circle has got to, and miss its turn.
/// </para>
/// </remarks>
internal sealed class TopicMembers(ITopicHistory history)
{
    private const int MaxKept = 1_024;

    private readonly List<LogEntry> _waiting = [];
    private Member[] _members = [];
    private int _places;
    private int _holes;

    // Events are numbered by the order in which they came; differences of the numbers count, they may wrap around.
    private int _first;
    private int _next;
    private int _behind;

    /// <summary>Asked for what a member lacks.</summary>
    public ITopicHistory History { get; } = history;

    /// <summary>The last event that was handed over; the members have it, or get it at their next turn.</summary>
    public Position Head { get; set; }

    /// <summary>Looked up when a member is too slow for the first time.</summary>
    public OverflowPolicy? Overflow { get; set; }

    public int Count => _places - _holes;

    /// <summary>There are events that members may lack.</summary>
    public bool IsBehind => _waiting.Count > 0;

    private int End => _first + _waiting.Count;

    /// <returns>The member's index, needed to take it out.</returns>
    public int Add(StreamConnection connection, int slot)
    {
        if (_places == _members.Length)
        {
            Array.Resize(ref _members, Math.Max(1, _places * 2));
        }

        _members[_places] = new Member(connection, slot, End);
        // Its place is passed on the way to those behind it in the circle.
        _behind += _behind > 0 ? 1 : 0;
        return _places++;
    }

    /// <summary>Fills the place with the last member, unless that could make its turn pass unnoticed.</summary>
    public void RemoveAt(int index)
    {
        if (IsBehind)
        {
            _members[index] = default;
            _holes++;
            return;
        }

        var last = _members[--_places];
        _members[_places] = default;
        if (index < _places)
        {
            _members[index] = last;
            last.Connection!.MemberIndexes[last.Slot] = index;
        }
    }

    /// <summary>Adds an event that all members lack.</summary>
    public void Append(LogEntry entry)
    {
        _waiting.Add(entry);
        _behind = _places;
    }

    /// <summary>Goes on to the member whose turn it is.</summary>
    /// <param name="connection">The member.</param>
    /// <param name="index">To be handed to <see cref="Take"/>.</param>
    /// <param name="done">Events that no member lacks any more are added to it.</param>
    /// <returns>False when no member is behind.</returns>
    public bool TryNext(out StreamConnection connection, out int index, ref int done)
    {
        while (_behind > 0)
        {
            if (_next >= _places)
            {
                Close(ref done);
                continue;
            }

            _behind--;
            index = _next++;
            if (_members[index].Connection is { } found)
            {
                connection = found;
                return true;
            }
        }

        Rest(ref done);
        (connection, index) = (null!, 0);
        return false;
    }

    /// <summary>The events that the member lacks, from now on counted as handed over. Valid until the next event is appended.</summary>
    public ReadOnlySpan<LogEntry> Take(int index)
    {
        ref var member = ref _members[index];
        var lacking = CollectionsMarshal.AsSpan(_waiting)[(member.Next - _first)..];
        member.Next = End;
        return lacking;
    }

    /// <summary>Ends a round: without the places of those who left, and without the events that nobody lacks.</summary>
    private void Close(ref int done)
    {
        _next = 0;
        Compact();
        _behind = Math.Min(_behind, _places);
        // A member of several topics may have had events of this one out of turn, so all are looked at.
        var lacking = 0;
        foreach (ref readonly var member in _members.AsSpan(0, _places))
        {
            lacking = Math.Max(lacking, End - member.Next);
        }

        Drop(_waiting.Count - lacking, ref done);
    }

    private void Rest(ref int done)
    {
        Compact();
        Drop(_waiting.Count, ref done);
        if (_waiting.Capacity > MaxKept)
        {
            _waiting.Capacity = 0;
        }
    }

    private void Drop(int count, ref int done)
    {
        _waiting.RemoveRange(0, count);
        _first += count;
        done += count;
    }

    private void Compact()
    {
        if (_holes == 0)
        {
            return;
        }

        var (kept, next) = (0, 0);
        for (var i = 0; i < _places; i++)
        {
            if (_members[i].Connection is { } connection)
            {
                _members[kept] = _members[i];
                connection.MemberIndexes[_members[i].Slot] = kept++;
            }

            if (i + 1 == _next)
            {
                next = kept;
            }
        }

        Array.Clear(_members, kept, _places - kept);
        (_places, _holes, _next) = (kept, 0, next);
    }

    [StructLayout(LayoutKind.Auto)]
    private record struct Member(StreamConnection? Connection, int Slot, int Next);
}
