using SseApp.Events.Log;
using SseApp.Events.Streaming;

namespace SseApp.Events.Topics;

/// <summary>
/// The subscribers of one topic that belong to one shard, and how far that shard has delivered the topic. Touched only
/// by the shard's loop, so it needs no lock. A subscriber becomes a member when it has everything up to the head.
/// </summary>
internal sealed class TopicMembers(TopicHub hub)
{
    private readonly List<(StreamConnection Connection, int Slot)> _members = [];

    public TopicHub Hub { get; } = hub;

    /// <summary>The last event that was handed to the members; all of them are there.</summary>
    public Position Head { get; set; }

    /// <summary>Events of the batch under way that the members do not have yet; null for none.</summary>
    public List<LogEntry>? Pending { get; set; }

    public int PendingBytes { get; set; }

    /// <summary>Looked up when a member is too slow for the first time.</summary>
    public OverflowPolicy? Overflow { get; set; }

    public int Count => _members.Count;

    public (StreamConnection Connection, int Slot) this[int index] => _members[index];

    /// <returns>The member's index, needed to take it out.</returns>
    public int Add(StreamConnection connection, int slot)
    {
        _members.Add((connection, slot));
        return _members.Count - 1;
    }

    /// <summary>Fills the place with the last member, which is told its new index.</summary>
    public void RemoveAt(int index)
    {
        var last = _members[^1];
        _members[index] = last;
        last.Connection.MemberIndexes[last.Slot] = index;
        _members.RemoveAt(_members.Count - 1);
    }
}
